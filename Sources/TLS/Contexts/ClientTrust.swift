// Whose certificates clients may show: authorities and revocation lists, given to a context.

import COpenSSL

struct ClientTrust {
    /// When the first of the authorities ends, in milliseconds since 1970.
    let authorityExpiry: Int64
    /// nil: there are none.
    let lists: Lists?

    /// The revocation lists that are in force.
    struct Lists {
        var all: [RevocationList] = []
        let revoked = RevokedCertificates()
        /// When the first of them has to have a successor, in milliseconds since 1970; nil: none has to.
        var expiry: Int64?
    }

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
        unsafe SSL_CTX_set_verify(raw, mode, nil)
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
        let issuers = try ListIssuers(authorities: material.clientCA ?? [], beside: lists)
        let loaded = try PEMReader.read(lists, .clientCRL) { (reader) throws(TLSFault) in
            try unsafe loadLists(reader, store, of: issuers, now: now)
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

    @unsafe private static func loadLists(
        _ reader: PEMReader, _ store: OpaquePointer, of issuers: ListIssuers, now: Int64
    ) throws(TLSFault) -> Lists {
        var lists = Lists()
        while let list = try unsafe reader.nextRevocationList() {
            defer { unsafe X509_CRL_free(list) }
            // With a list that has expired every client would be refused.
            let validity = unsafe Validity(revocationList: list)
            try validity.check(.clientCRL, now: now)
            // One of somebody else counts for nobody, and the list that is missing shuts all clients out.
            guard unsafe issuers.haveSigned(list) else { throw .unknownIssuer }
            guard unsafe X509_STORE_add_crl(store, list) == 1 else {
                throw .refused(.clientCRL, TLSLibrary.lastReason)
            }
            if validity.until != .max {
                lists.expiry = min(lists.expiry ?? validity.until, validity.until)
            }
            unsafe lists.all.append(RevocationList(list, validity))
            unsafe lists.revoked.add(list)
        }
        if lists.all.isEmpty { throw .absent(.clientCRL) }
        return lists
    }
}
