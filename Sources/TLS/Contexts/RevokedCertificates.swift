// Which certificates the revocation lists that are in force name.

import COpenSSL

/// Holds lists once they have been checked. It is made on one thread, and then any may ask: OpenSSL sorts a
/// list under a lock, once.
@safe final class RevokedCertificates: @unchecked Sendable {
    /// Each is `X509_CRL`, counted by OpenSSL, and released in `deinit`.
    @safe private var lists: [OpaquePointer]

    init() { unsafe lists = [] }

    deinit { unsafe lists.forEach { unsafe X509_CRL_free($0) } }

    /// - Parameter list: an `X509_CRL`, which stays the caller's, too.
    @unsafe func add(_ list: OpaquePointer) {
        if unsafe X509_CRL_up_ref(list) == 1 { unsafe lists.append(list) }
    }

    /// - Parameter der: a certificate.
    func contain(_ der: [UInt8]) -> Bool {
        defer { ERR_clear_error() }
        let certificate = unsafe der.withUnsafeBufferPointer { bytes in
            var place = bytes.baseAddress
            return unsafe d2i_X509(nil, &place, bytes.count)
        }
        guard let certificate = unsafe certificate else { return false }
        defer { unsafe X509_free(certificate) }
        return unsafe lists.contains { list in
            guard
                unsafe X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_issuer_name(certificate))
                    == 0
            else { return false }
            var entry: OpaquePointer?
            return unsafe X509_CRL_get0_by_cert(list, &entry, certificate) == 1
        }
    }
}
