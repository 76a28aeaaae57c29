// Whose certificates clients may show: authorities and revocation lists, given to a context.

import COpenSSL

struct ClientTrust {
    /// When the first of the authorities ends, in milliseconds since 1970.
    let authorityExpiry: Int64
    /// nil: there are none.
    let lists: ClientLists?

    /// - Returns: nil where clients show no certificates.
    @unsafe static func load(
        _ material: TLSMaterial, into raw: OpaquePointer, now: Int64
    ) throws(TLSFault) -> ClientTrust? {
        let mode: Int32 =
            switch material.clientAuthentication {
            case .off: SSL_VERIFY_NONE
            case .optional: SSL_VERIFY_PEER
            case .required: SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
            }
        unsafe SSL_CTX_set_verify(raw, mode, passOverAnchor)
        unsafe SSL_CTX_set_verify_depth(raw, TLSContext.clientChainDepthMax)
        guard material.clientAuthentication != .off else { return nil }
        guard let store = unsafe SSL_CTX_get_cert_store(raw) else { return nil }
        // Whatever is named is trusted: an authority below a root is narrower than the root, and a
        // certificate that has signed itself is its own authority.
        unsafe X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        let authorityExpiry = try PEMReader.read(material.clientCA ?? [], .clientCA) {
            (reader) throws(TLSFault) in
            try unsafe loadAuthorities(reader, store, into: raw)
        }
        guard let lists = material.clientCRL else {
            return ClientTrust(authorityExpiry: authorityExpiry, lists: nil)
        }
        unsafe X509_STORE_set_flags(
            store, UInt(X509_V_FLAG_CRL_CHECK) | UInt(X509_V_FLAG_CRL_CHECK_ALL))
        let authorities = (material.clientCA ?? []) + [0x0A] + (material.otherCA ?? [])
        let loaded = try ClientLists(lists, of: authorities, now: now)
        for list in loaded.signed {
            guard unsafe X509_STORE_add_crl(store, list.raw) == 1 else {
                throw .refused(.clientCRL, TLSLibrary.lastReason)
            }
        }
        return ClientTrust(authorityExpiry: authorityExpiry, lists: loaded)
    }

    /// - Returns: when the first of them ends. One that has ended is no fault: the others may be those that
    ///   count.
    @unsafe private static func loadAuthorities(
        _ reader: PEMReader, _ store: OpaquePointer, into raw: OpaquePointer
    ) throws(TLSFault) -> Int64 {
        var expiry: Int64?
        while let authority = try unsafe reader.nextCertificate(.clientCA) {
            // Store and list of names keep what they need.
            defer { unsafe X509_free(authority) }
            guard unsafe X509_STORE_add_cert(store, authority) == 1,
                unsafe SSL_CTX_add_client_CA(raw, authority) == 1
            else { throw .refused(.clientCA, TLSLibrary.lastReason) }
            let until = unsafe Validity(certificate: authority).until
            expiry = min(expiry ?? until, until)
        }
        guard let expiry else { throw .absent(.clientCA) }
        return expiry
    }

    /// An authority that is trusted needs no list of whoever has issued it: it is not on the way from a
    /// certificate to what is trusted (RFC 5280 §6.1). OpenSSL looks for one all the same, and where the
    /// authority has not signed itself it finds nobody who could have signed that. What a list says of it
    /// counts.
    private static let passOverAnchor: @convention(c) (Int32, OpaquePointer?) -> Int32 = {
        isGood, store in
        guard isGood != 1, let store = unsafe store else { return isGood }
        let chain = unsafe X509_STORE_CTX_get0_chain(store)
        guard unsafe X509_STORE_CTX_get_error_depth(store) == OPENSSL_sk_num(chain) - 1,
            unsafe listFaults.contains(X509_STORE_CTX_get_error(store))
        else { return isGood }
        unsafe X509_STORE_CTX_set_error(store, X509_V_OK)
        return 1
    }

    private static let listFaults: Set<Int32> = [
        X509_V_ERR_UNABLE_TO_GET_CRL, X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER,
        X509_V_ERR_CRL_SIGNATURE_FAILURE, X509_V_ERR_CRL_HAS_EXPIRED,
        X509_V_ERR_CRL_NOT_YET_VALID, X509_V_ERR_DIFFERENT_CRL_SCOPE,
    ]
}
