// What libcrypto is asked for once. To look an algorithm up by its name takes longer than to use it.

import COpenSSL

/// The algorithms, looked up when they are first needed, and kept for good. Any thread: nobody changes them.
enum Library {
    nonisolated(unsafe) static let aes128 = unsafe found(cipher)
    nonisolated(unsafe) static let sha256 = unsafe found(digest)

    // Every provider has these, the one of FIPS too. A configuration of OpenSSL can take them away.
    nonisolated(unsafe) private static let cipher: OpaquePointer? = {
        isReady ? unsafe EVP_CIPHER_fetch(nil, "AES-128-ECB", nil) : nil
    }()
    nonisolated(unsafe) private static let digest: OpaquePointer? = {
        isReady ? unsafe EVP_MD_fetch(nil, "SHA256", nil) : nil
    }()

    /// Whether there is all that is needed of it: of chance, too, which handshakes draw from it.
    static let isUsable: Bool = {
        var byte: UInt8 = 0
        return unsafe cipher != nil && digest != nil && RAND_bytes(&byte, 1) == 1
    }()

    /// Traps where there is none: `OpenSSL.isUsable` is asked before.
    private static func found(_ algorithm: OpaquePointer?) -> OpaquePointer {
        guard let algorithm = unsafe algorithm else {
            preconditionFailure("OpenSSL lacks an algorithm (see openssl.cnf)")
        }
        return unsafe algorithm
    }

    /// Without its clean-up at the end of the process: other threads may hash until the very end, and the
    /// clean-up would free what they use.
    private static let isReady = OPENSSL_init_crypto(UInt64(OPENSSL_INIT_NO_ATEXIT), nil) == 1
}
