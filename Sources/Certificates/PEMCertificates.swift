// The certificates in a file in PEM (RFC 7468), each in DER.

import Bytes
import COpenSSL

public enum PEMCertificates {
    /// In their order; none where there is none, or one cannot be read or is mistyped.
    public static func read(_ pem: [UInt8]) -> [[UInt8]] {
        var all: [[UInt8]] = []
        let isWhole = unsafe each(pem) { certificate in
            var bytes: UnsafeMutablePointer<UInt8>?
            let count = unsafe i2d_X509(certificate, &bytes)
            guard count > 0, let start = unsafe bytes else { return false }
            // OpenSSL has made it for us alone.
            defer { unsafe CRYPTO_free(start, nil, 0) }
            unsafe all.append(Array(UnsafeBufferPointer(start: start, count: Int(count))))
            return true
        }
        return isWhole ? all : []
    }

    /// - Parameter take: is lent each as long as the call lasts; false ends it.
    /// - Returns: false where one cannot be read, or was not taken.
    static func each(_ pem: [UInt8], _ take: (OpaquePointer) -> Bool) -> Bool {
        // OpenSSL would pass over it.
        guard PEMText.strayLine(in: pem) == nil else { return false }
        defer { ERR_clear_error() }
        return unsafe pem.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress, let count = Int32(exactly: bytes.count),
                let source = unsafe BIO_new_mem_buf(start, count)
            else { return true }
            defer { unsafe BIO_free(source) }
            while true {
                ERR_clear_error()
                guard let certificate = unsafe PEM_read_bio_X509(source, nil, nil, nil) else {
                    // At the end there is no line left that a certificate could begin with.
                    return ERR_peek_last_error() & 0x7F_FFFF == UInt(PEM_R_NO_START_LINE)
                }
                defer { unsafe X509_free(certificate) }
                guard unsafe take(certificate) else { return false }
            }
        }
    }
}
