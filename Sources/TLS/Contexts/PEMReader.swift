// From PEM texts to OpenSSL's objects.

import Bytes
import COpenSSL

/// Nobody is there to type a pass phrase, and OpenSSL would ask at the terminal.
private func noPassphrase(
    _: UnsafeMutablePointer<CChar>?, _: Int32, _: Int32, _: UnsafeMutableRawPointer?
) -> Int32 {
    -1
}

/// A PEM text in memory, read object by object. It borrows the bytes: only inside `read`.
@safe struct PEMReader {
    private let source: OpaquePointer

    /// - Parameters:
    ///   - part: what is in it.
    ///   - body: gets a reader that is only good during the call.
    /// - Throws: also where a block would be passed over, since its begin or end is mistyped.
    static func read<Value>(
        _ text: [UInt8], _ part: TLSPart, _ body: (PEMReader) throws(TLSFault) -> Value
    ) throws(TLSFault) -> Value {
        // Of a key there is one only: it is missed.
        if part != .key, let line = PEMText.strayLine(in: text) {
            throw .mistyped(part, line: line)
        }
        TLSLibrary.clearErrors()
        let result: Result<Value, TLSFault> = unsafe text.withUnsafeBytes { raw in
            // Freed below; it only points into `text`.
            guard let bio = unsafe BIO_new_mem_buf(raw.baseAddress, Int32(clamping: raw.count))
            else { preconditionFailure("there is no memory") }
            defer { unsafe BIO_free(bio) }
            do throws(TLSFault) {
                return .success(try body(unsafe PEMReader(source: bio)))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private init(source: OpaquePointer) { unsafe self.source = source }

    /// The next certificate, which the caller frees; nil where there is no more.
    @unsafe func nextCertificate(_ part: TLSPart) throws(TLSFault) -> OpaquePointer? {
        let found = unsafe PEM_read_bio_X509(source, nil, noPassphrase, nil)
        if unsafe found == nil { try checkEnd(part) }
        return unsafe found
    }

    /// The next revocation list, which the caller frees; nil where there is no more.
    @unsafe func nextRevocationList() throws(TLSFault) -> OpaquePointer? {
        let found = unsafe PEM_read_bio_X509_CRL(source, nil, noPassphrase, nil)
        if unsafe found == nil { try checkEnd(.clientCRL) }
        return unsafe found
    }

    /// The private key, which the caller frees.
    @unsafe func key() throws(TLSFault) -> OpaquePointer {
        let found = unsafe PEM_read_bio_PrivateKey(source, nil, noPassphrase, nil)
        if let found = unsafe found { return unsafe found }
        let last = TLSLibrary.lastError
        if last?.isPEM(PEM_R_BAD_PASSWORD_READ) == true { throw .encrypted }
        if last?.isPEM(PEM_R_PROBLEMS_GETTING_PASSWORD) == true { throw .encrypted }
        throw .malformed(.key)
    }

    private var isAtEnd: Bool { TLSLibrary.lastError?.isPEM(PEM_R_NO_START_LINE) == true }

    private func checkEnd(_ part: TLSPart) throws(TLSFault) {
        guard isAtEnd else { throw .malformed(part) }
        TLSLibrary.clearErrors()
    }
}
