// What all connections of a listener share: certificate, key, authorities and rules. It never changes;
// where something is to change, there is a new one.

import COpenSSL

/// One `SSL_CTX`, ready to serve. Any thread.
///
/// TLS 1.3, and where it is allowed 1.2 with ECDHE and AES-GCM only. Nothing is resumed: no tickets, no
/// cache of sessions, no early data. So each connection shows its certificate, and each is checked.
@safe public final class TLSContext: @unchecked Sendable {
    // Freed in `deinit`. OpenSSL counts who uses it, with atomic counts, and nobody changes it any more.
    @safe let raw: OpaquePointer
    public let clientAuthentication: ClientAuthentication
    /// When the first of its certificates ends, in milliseconds since 1970.
    public let expiry: Int64
    /// When the first of the clients' authorities ends; nil: there is none.
    public let authorityExpiry: Int64?
    /// When the first of the revocation lists has to have a successor; nil: none has to.
    public let revocationExpiry: Int64?
    /// Those that clients' certificates are held against.
    public let revocationLists: [RevocationList]
    private let lists: ClientLists?
    let verified: VerifiedCertificates?

    /// The longest chain of a client, in bytes: six certificates with RSA-4096 keys. OpenSSL reads all
    /// that come before it verifies one, in 0.2 ms each, and 16 KiB can be 40 of the smallest.
    static let clientChainBytesMax = 16 * 1024
    /// Certificates between a client's and the one that is trusted.
    static let clientChainDepthMax: Int32 = 4
    /// Clients' certificates that need not be verified again. Each takes some 100 bytes.
    static let verifiedCertificatesMax = 1024

    /// - Parameter now: what certificates are judged by, in milliseconds since 1970.
    /// - Throws: what is wrong with the material. Nothing of it is kept then.
    public init(_ material: TLSMaterial, now: Int64) throws(TLSFault) {
        precondition(TLSLibrary.isStarted, "OpenSSL does not start")
        guard let raw = unsafe SSL_CTX_new_ex(TLSLibrary.context, nil, TLS_server_method()) else {
            preconditionFailure("there is no memory for a TLS context")
        }
        unsafe self.raw = raw
        clientAuthentication = material.clientAuthentication
        do throws(TLSFault) {
            unsafe TLSContext.setRules(raw, oldest: material.oldest)
            expiry = try unsafe ServerIdentity.load(material, into: raw, now: now)
            let trust = try unsafe ClientTrust.load(material, into: raw, now: now)
            authorityExpiry = trust?.authorityExpiry
            let lists = trust?.lists
            self.lists = lists
            (revocationExpiry, revocationLists) = (lists?.expiry, lists?.all ?? [])
            verified = trust.map { _ in VerifiedCertificates(listsEnd: lists?.expiry ?? .max) }
            unsafe verified?.serve(raw)
        } catch {
            // A throw from here on does not run `deinit`.
            unsafe SSL_CTX_free(raw)
            throw error
        }
    }

    deinit { unsafe SSL_CTX_free(raw) }

    /// Whether a list names the certificate. A handshake has looked; the list may be newer than that.
    ///
    /// - Parameter der: the certificate.
    public func isRevoked(_ der: [UInt8]) -> Bool { lists?.name(der) ?? false }

    /// RFC 9325 §4.2; RFC 8446 for the rest.
    @unsafe private static func setRules(_ raw: OpaquePointer, oldest: TLSVersion) {
        let version = Int(oldest == .tls12 ? TLS1_2_VERSION : TLS1_3_VERSION)
        // OpenSSL's configuration may be stricter.
        let oldestOfAll = max(version, unsafe control(raw, SSL_CTRL_GET_MIN_PROTO_VERSION, 0))
        unsafe control(raw, SSL_CTRL_SET_MIN_PROTO_VERSION, oldestOfAll)
        unsafe control(raw, SSL_CTRL_SET_SESS_CACHE_MODE, 0)
        unsafe control(raw, SSL_CTRL_SET_MAX_CERT_LIST, clientChainBytesMax)
        // What an idle connection needs no buffers for, it has none for: 9 kB less.
        // And the server shows what its file has: OpenSSL would look among the clients' CAs for more of
        // its chain, and verify it, for each client.
        let mode = SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN
        unsafe control(raw, SSL_CTRL_MODE, Int(mode))
        unsafe obie_tls_options(raw)
        unsafe SSL_CTX_set_security_level(raw, max(2, SSL_CTX_get_security_level(raw)))
        unsafe SSL_CTX_set_num_tickets(raw, 0)
        unsafe SSL_CTX_set_max_early_data(raw, 0)
        precondition(
            unsafe SSL_CTX_set_cipher_list(raw, "ECDHE+AESGCM") == 1, "OpenSSL knows the suites")
        precondition(
            unsafe setList(raw, SSL_CTRL_SET_GROUPS_LIST, groups) == 1, "OpenSSL knows the groups")
        precondition(
            unsafe setList(raw, SSL_CTRL_SET_SIGALGS_LIST, signatures) == 1,
            "OpenSSL knows the signatures")
        unsafe SSL_CTX_set_alpn_select_cb(raw, chooseProtocol, nil)
    }

    @discardableResult
    @unsafe private static func control(_ raw: OpaquePointer, _ what: Int32, _ value: Int) -> Int {
        unsafe SSL_CTX_ctrl(raw, what, value, nil)
    }

    private static let groups = "X25519:P-256:P-384"
    /// Of both sides, in handshakes. OpenSSL's own list also has DSA and SHA-224 for TLS 1.2.
    private static let signatures =
        "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512:ed25519:ed448"
        + ":rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512"
        + ":rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512"
        + ":rsa_pkcs1_sha256:rsa_pkcs1_sha384:rsa_pkcs1_sha512"

    @unsafe private static func setList(
        _ raw: OpaquePointer, _ what: Int32, _ list: String
    ) -> Int {
        var names = Array(list.utf8CString)
        return unsafe names.withUnsafeMutableBytes {
            unsafe SSL_CTX_ctrl(raw, what, 0, $0.baseAddress)
        }
    }

    /// The only protocol that is spoken here (RFC 7301). A client that offers others, and not this one,
    /// is refused: it would talk what nobody understands (ALPACA).
    private static let chooseProtocol:
        @convention(c) (
            OpaquePointer?, UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
            UnsafeMutablePointer<UInt8>?, UnsafePointer<UInt8>?, UInt32, UnsafeMutableRawPointer?
        ) -> Int32 = { _, chosen, chosenCount, offered, count, _ in
            guard let chosen = unsafe chosen, let chosenCount = unsafe chosenCount,
                let offered = unsafe offered
            else { return SSL_TLSEXT_ERR_ALERT_FATAL }
            let names = unsafe UnsafeBufferPointer(start: offered, count: Int(count))
            var at = 0
            while at < names.count {
                let name = at + 1..<at + 1 + Int(unsafe names[at])
                guard name.upperBound <= names.count else { break }
                if unsafe names[name].elementsEqual("http/1.1".utf8) {
                    // It points into the client's offer, which OpenSSL copies from.
                    unsafe chosen.pointee = offered + name.lowerBound
                    unsafe chosenCount.pointee = UInt8(name.count)
                    return SSL_TLSEXT_ERR_OK
                }
                at = name.upperBound
            }
            return SSL_TLSEXT_ERR_ALERT_FATAL
        }
}
