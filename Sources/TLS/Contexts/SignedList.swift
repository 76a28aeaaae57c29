// A revocation list with whoever has signed it.

import COpenSSL

/// Owns an `X509_CRL`. Any thread: OpenSSL sorts it under a lock, once.
@safe final class SignedList: @unchecked Sendable {
    // Freed in `deinit`.
    @safe let raw: OpaquePointer
    let issuer: HeldCertificate
    let about: RevocationList
    let validity: Validity
    /// Which certificates it is about (RFC 5280 §5.2.5), as it stands in the list; empty: all of its CA's.
    private let scope: [UInt8]

    /// - Parameter raw: an `X509_CRL`, which is given away, also where this throws.
    @unsafe init(_ raw: OpaquePointer, of issuers: ListIssuers) throws(TLSFault) {
        let validity = unsafe Validity(revocationList: raw)
        do throws(TLSFault) {
            // One of somebody else counts for nobody, and the list that is missing shuts all clients out.
            guard let issuer = unsafe issuers.signer(of: raw) else { throw .unknownIssuer }
            guard unsafe SignedList.isWhole(raw) else { throw .partialList }
            self.issuer = issuer
        } catch {
            // A throw from here on does not run `deinit`.
            unsafe X509_CRL_free(raw)
            throw error
        }
        unsafe self.raw = raw
        self.validity = validity
        unsafe about = RevocationList(raw, validity)
        unsafe scope = SignedList.scope(raw)
    }

    deinit { unsafe X509_CRL_free(raw) }

    func names(_ certificate: HeldCertificate) -> Bool {
        var entry: OpaquePointer?
        return unsafe X509_CRL_get0_by_cert(raw, &entry, certificate.raw) == 1
    }

    /// Whether the other one takes its place: a newer list of the same CA, about the same.
    ///
    /// - Parameter isBehind: the other one stands behind this one, and so counts where both are as new.
    func isReplaced(by other: SignedList, isBehind: Bool) -> Bool {
        guard issuer === other.issuer, scope == other.scope else { return false }
        return isBehind ? !other.about.isOlder(than: about) : about.isOlder(than: other.about)
    }

    /// OpenSSL finds the list of a CA by its name, and by the key only where a list says which: of two CAs
    /// of one name it would hold the clients of one against the list of the other, and refuse them.
    func isMistaken(for other: SignedList) -> Bool {
        unsafe issuer !== other.issuer && !(hasKeyIdentifier && other.hasKeyIdentifier)
            && X509_NAME_cmp(X509_CRL_get_issuer(raw), X509_CRL_get_issuer(other.raw)) == 0
    }

    private var hasKeyIdentifier: Bool {
        unsafe X509_CRL_get_ext_by_NID(raw, NID_authority_key_identifier, -1) >= 0
            && X509_get0_subject_key_id(issuer.raw) != nil
    }

    /// A delta list only adds to another one (RFC 5280 §5.2.4); others are about some reasons only, or about
    /// certificates of other CAs. OpenSSL reads none of them here.
    @unsafe private static func isWhole(_ list: OpaquePointer) -> Bool {
        guard unsafe X509_CRL_get_ext_by_NID(list, NID_delta_crl, -1) < 0 else { return false }
        guard
            let found = unsafe X509_CRL_get_ext_d2i(list, NID_issuing_distribution_point, nil, nil)
        else { return true }
        // Made for us alone.
        let point = unsafe found.assumingMemoryBound(to: ISSUING_DIST_POINT.self)
        defer { unsafe ISSUING_DIST_POINT_free(point) }
        return unsafe point.pointee.indirectCRL <= 0 && point.pointee.onlysomereasons == nil
    }

    @unsafe private static func scope(_ list: OpaquePointer) -> [UInt8] {
        let index = unsafe X509_CRL_get_ext_by_NID(list, NID_issuing_distribution_point, -1)
        guard index >= 0, let text = unsafe X509_EXTENSION_get_data(X509_CRL_get_ext(list, index)),
            let start = unsafe ASN1_STRING_get0_data(text)
        else { return [] }
        return unsafe Array(
            UnsafeBufferPointer(start: start, count: Int(ASN1_STRING_length(text))))
    }
}
