// Who may sign a revocation list: the authorities that clients' certificates come from, and those below them
// whose certificates stand beside the lists.

import COpenSSL

/// The thread that makes a context.
struct ListIssuers {
    /// Owns an `X509`.
    @safe private final class Issuer {
        // Freed in `deinit`.
        @safe let raw: OpaquePointer

        @unsafe init(_ raw: OpaquePointer) { unsafe self.raw = raw }

        deinit { unsafe X509_free(raw) }

        func hasIssued(_ other: Issuer) -> Bool {
            unsafe X509_check_ca(other.raw) != 0
                && X509_check_issued(raw, other.raw) == X509_V_OK
                && X509_verify(other.raw, X509_get0_pubkey(raw)) == 1
        }

        /// - Parameter list: an `X509_CRL`.
        @unsafe func hasSigned(_ list: OpaquePointer) -> Bool {
            // Two can have the same name, and only one of them the key. One that may not sign lists (RFC 5280
            // §4.2.1.3) would be found out when a client comes.
            unsafe X509_NAME_cmp(X509_get_subject_name(raw), X509_CRL_get_issuer(list)) == 0
                && X509_get_key_usage(raw) & UInt32(KU_CRL_SIGN) != 0
                && X509_CRL_verify(list, X509_get0_pubkey(raw)) == 1
        }
    }

    private var issuers: [Issuer]

    /// - Parameters:
    ///   - authorities: PEM; each of them may.
    ///   - beside: PEM with the lists; of the certificates in it those may that one who may has issued. They
    ///     are not trusted for anything else.
    init(authorities: [UInt8], beside: [UInt8]) throws(TLSFault) {
        issuers = try ListIssuers.read(authorities, .clientCA)
        var others = try ListIssuers.read(beside, .clientCRL)
        // In whatever order they stand: each round finds those below the ones of before.
        while let index = others.firstIndex(where: isIssued) {
            issuers.append(others.remove(at: index))
        }
    }

    private func isIssued(_ other: Issuer) -> Bool { issuers.contains { $0.hasIssued(other) } }

    private static func read(_ pem: [UInt8], _ part: TLSPart) throws(TLSFault) -> [Issuer] {
        try PEMReader.read(pem, part) { (reader) throws(TLSFault) in
            var all: [Issuer] = []
            while let certificate = try unsafe reader.nextCertificate(part) {
                unsafe all.append(Issuer(certificate))
            }
            return all
        }
    }

    /// Whether one of them has signed it.
    ///
    /// - Parameter list: an `X509_CRL`, which stays the caller's.
    @unsafe func haveSigned(_ list: OpaquePointer) -> Bool {
        issuers.contains { unsafe $0.hasSigned(list) }
    }
}
