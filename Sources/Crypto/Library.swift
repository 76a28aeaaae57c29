// What libcrypto is asked for once. To look an algorithm up by its name takes longer than to use it.

import COpenSSL

/// The algorithms, looked up when they are first needed, and kept for good. Any thread: nobody changes them.
enum Library {
    nonisolated(unsafe) static let aes128: OpaquePointer = unsafe found("AES-128-ECB") {
        unsafe EVP_CIPHER_fetch(nil, $0, nil)
    }

    nonisolated(unsafe) static let sha256: OpaquePointer = unsafe found("SHA256") {
        unsafe EVP_MD_fetch(nil, $0, nil)
    }

    /// - Parameter name: such as every provider has, the one of FIPS too. A configuration of OpenSSL that
    ///   takes it away leaves nothing to work with, so this traps.
    private static func found(
        _ name: StaticString, _ fetch: (UnsafePointer<CChar>) -> OpaquePointer?
    ) -> OpaquePointer {
        _ = isReady
        let text = unsafe UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
        guard let algorithm = unsafe fetch(text)
        else { preconditionFailure("OpenSSL has no \(name) (see openssl.cnf)") }
        return unsafe algorithm
    }

    /// Without its clean-up at the end of the process: other threads may hash until the very end, and the
    /// clean-up would free what they use.
    private static let isReady: Bool = {
        let isReady = OPENSSL_init_crypto(UInt64(OPENSSL_INIT_NO_ATEXIT), nil) == 1
        precondition(isReady, "OpenSSL cannot begin")
        return isReady
    }()
}
