// Whose certificates clients may show: authorities and revocation lists, given to a context.

import COpenSSL

enum ClientTrust {
    /// The revocation lists that are in force.
    struct Lists {
        var all: [RevocationList] = []
        let revoked = RevokedCertificates()
        /// When the first of them has to have a successor, in milliseconds since 1970.
        var expiry = Int64.max
    }

    /// - Returns: nil where there are no revocation lists.
    @unsafe static func load(
        _ material: TLSMaterial, into raw: OpaquePointer, now: Int64
    ) throws(TLSFault) -> Lists? {
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
        try PEMReader.read(material.clientCA ?? [], .clientCA) { (reader) throws(TLSFault) in
            try unsafe loadAuthorities(reader, store, into: raw)
        }
        guard let lists = material.clientCRL else { return nil }
        unsafe X509_STORE_set_flags(
            store, UInt(X509_V_FLAG_CRL_CHECK) | UInt(X509_V_FLAG_CRL_CHECK_ALL))
        let issuers = try ListIssuers(authorities: material.clientCA ?? [], beside: lists)
        return try PEMReader.read(lists, .clientCRL) { (reader) throws(TLSFault) in
            try unsafe loadLists(reader, store, of: issuers, now: now)
        }
    }

    @unsafe private static func loadAuthorities(
        _ reader: PEMReader, _ store: OpaquePointer, into raw: OpaquePointer
    ) throws(TLSFault) {
        var count = 0
        while let authority = try unsafe reader.nextCertificate(.clientCA) {
            // Store and list of names keep what they need.
            defer { unsafe X509_free(authority) }
            guard unsafe X509_STORE_add_cert(store, authority) == 1,
                unsafe SSL_CTX_add_client_CA(raw, authority) == 1
            else { throw .refused(.clientCA, TLSLibrary.lastReason) }
            count += 1
        }
        if count == 0 { throw .absent(.clientCA) }
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
            lists.expiry = min(lists.expiry, validity.until)
            unsafe lists.all.append(RevocationList(list, validity))
            unsafe lists.revoked.add(list)
        }
        if lists.all.isEmpty { throw .absent(.clientCRL) }
        return lists
    }
}
