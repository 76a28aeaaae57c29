// What a client of ours talks TLS with: whom it trusts, and what it shows.

import COpenSSL

/// One `SSL_CTX` for connections that this process opens. Any thread: it never changes.
///
/// The name of the server is not compared: who connects to an address of its own choice has none.
@safe public final class TLSClientContext: @unchecked Sendable {
    // Freed in `deinit`.
    @safe let raw: OpaquePointer

    /// - Parameters:
    ///   - authorities: PEM; any of them, root or not, must have issued the server's certificate, or it is one
    ///     of them. nil: it is not verified.
    ///   - identity: PEM, what it shows where the server asks for a certificate.
    ///   - now: what the identity is judged by, in milliseconds since 1970.
    /// - Throws: what is wrong with them.
    public init(
        authorities: [UInt8]?, identity: (certificate: [UInt8], key: [UInt8])?, now: Int64
    ) throws(TLSFault) {
        precondition(TLSLibrary.isStarted, "OpenSSL does not start")
        guard let raw = unsafe SSL_CTX_new(TLS_client_method()) else {
            preconditionFailure("there is no memory for a TLS context")
        }
        unsafe self.raw = raw
        // From here on everything is set, so a throw runs `deinit`.
        unsafe SSL_CTX_ctrl(raw, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
        if let authorities { try unsafe TLSClientContext.trust(authorities, in: raw) }
        if let identity {
            let material = TLSMaterial(certificate: identity.certificate, key: identity.key)
            _ = try unsafe ServerIdentity.load(material, into: raw, now: now)
        }
    }

    deinit { unsafe SSL_CTX_free(raw) }

    @unsafe private static func trust(
        _ authorities: [UInt8], in raw: OpaquePointer
    ) throws(TLSFault) {
        guard let store = unsafe SSL_CTX_get_cert_store(raw) else { return }
        unsafe X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        unsafe SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nil)
        let count = try PEMReader.read(authorities, .clientCA) { (reader) throws(TLSFault) in
            var count = 0
            while let authority = try unsafe reader.nextCertificate(.clientCA) {
                // The store keeps what it needs.
                defer { unsafe X509_free(authority) }
                unsafe X509_STORE_add_cert(store, authority)
                count += 1
            }
            return count
        }
        if count == 0 { throw .absent(.clientCA) }
    }
}
