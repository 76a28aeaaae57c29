// What names a certificate in logs and in bound tokens.

import COpenSSL

enum Thumbprint {
    /// SHA-256 of the certificate's DER, in base64url without padding (RFC 8705 §3.1).
    static func text(_ certificate: [UInt8]) -> String? {
        var digest = [UInt8](repeating: 0, count: 32)
        guard
            unsafe EVP_Digest(certificate, certificate.count, &digest, nil, EVP_sha256(), nil) == 1
        else { return nil }
        // Four characters for three bytes, and a zero at the end.
        var text = [UInt8](repeating: 0, count: 45)
        let count = unsafe EVP_EncodeBlock(&text, digest, 32)
        let url = text.prefix(Int(count)).filter { $0 != UInt8(ascii: "=") }.map { byte in
            switch byte {
            case UInt8(ascii: "+"): UInt8(ascii: "-")
            case UInt8(ascii: "/"): UInt8(ascii: "_")
            default: byte
            }
        }
        return String(decoding: url, as: UTF8.self)
    }
}
