// The server's own certificate and key: read, compared, and given to a context.

import Bytes
import COpenSSL

enum ServerIdentity {
    /// - Returns: when the first of the certificates ends, in milliseconds since 1970.
    @unsafe static func load(
        _ material: TLSMaterial, into raw: OpaquePointer, now: Int64
    ) throws(TLSFault) -> Int64 {
        let expiry = try PEMReader.read(material.certificate, .certificate) {
            (reader) throws(TLSFault) in
            try unsafe loadChain(reader, into: raw, now: now)
        }
        guard String(decoding: material.key, as: UTF8.self).includes("PRIVATE KEY-----") else {
            throw .absent(.key)
        }
        try PEMReader.read(material.key, .key) { (reader) throws(TLSFault) in
            let key = try unsafe reader.key()
            // The context keeps a reference of its own.
            defer { unsafe EVP_PKEY_free(key) }
            guard let certificate = unsafe SSL_CTX_get0_certificate(raw),
                unsafe X509_check_private_key(certificate, key) == 1
            else { throw .mismatched }
            guard unsafe SSL_CTX_use_PrivateKey(raw, key) == 1 else {
                throw .refused(.key, TLSLibrary.lastReason)
            }
        }
        return expiry
    }

    @unsafe private static func loadChain(
        _ reader: PEMReader, into raw: OpaquePointer, now: Int64
    ) throws(TLSFault) -> Int64 {
        var expiry = Int64.max
        var isFirst = true
        while let certificate = try unsafe reader.nextCertificate(.certificate) {
            // The context keeps references of its own.
            defer { unsafe X509_free(certificate) }
            let validity = unsafe Validity(certificate: certificate)
            try validity.check(.certificate, now: now)
            expiry = min(expiry, validity.until)
            guard unsafe add(certificate, to: raw, isFirst: isFirst) else {
                throw .refused(.certificate, TLSLibrary.lastReason)
            }
            isFirst = false
        }
        guard !isFirst else { throw .absent(.certificate) }
        return expiry
    }

    @unsafe private static func add(
        _ certificate: OpaquePointer, to raw: OpaquePointer, isFirst: Bool
    ) -> Bool {
        if isFirst { return unsafe SSL_CTX_use_certificate(raw, certificate) == 1 }
        // `SSL_CTX_add1_chain_cert(3)`
        return unsafe SSL_CTX_ctrl(
            raw, SSL_CTRL_CHAIN_CERT, 1, UnsafeMutableRawPointer(certificate)) == 1
    }
}
