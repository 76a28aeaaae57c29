// Who may sign a revocation list: the authorities that clients' certificates come from, and those below them
// whose certificates stand beside the lists.

import COpenSSL

/// Owns an `X509`. It never changes, and OpenSSL computes what it keeps of it under a lock: any thread.
@safe final class HeldCertificate: @unchecked Sendable {
    // Freed in `deinit`.
    @safe let raw: OpaquePointer

    @unsafe init(_ raw: OpaquePointer) { unsafe self.raw = raw }

    deinit { unsafe X509_free(raw) }

    var isAuthority: Bool { unsafe X509_check_ca(raw) != 0 }

    /// By name, key identifiers and signature: two authorities can have the same name.
    func hasIssued(_ other: HeldCertificate) -> Bool {
        unsafe X509_check_issued(raw, other.raw) == X509_V_OK
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

/// The thread that makes a context.
struct ListIssuers {
    private(set) var all: [HeldCertificate]

    /// - Parameters:
    ///   - authorities: PEM; each of them may.
    ///   - beside: PEM with the lists; of the certificates in it those may that one who may has issued. They
    ///     are not trusted for anything else.
    init(authorities: [UInt8], beside: [UInt8]) throws(TLSFault) {
        all = try ListIssuers.read(authorities, .clientCA)
        var others = try ListIssuers.read(beside, .clientCRL)
        // In whatever order they stand: each round finds those below the ones of before.
        while let index = others.firstIndex(where: mayBelong) {
            all.append(others.remove(at: index))
        }
    }

    private func mayBelong(_ other: HeldCertificate) -> Bool {
        other.isAuthority && all.contains { $0.hasIssued(other) }
    }

    private static func read(
        _ pem: [UInt8], _ part: TLSPart
    ) throws(TLSFault) -> [HeldCertificate] {
        try PEMReader.read(pem, part) { (reader) throws(TLSFault) in
            var all: [HeldCertificate] = []
            while let certificate = try unsafe reader.nextCertificate(part) {
                unsafe all.append(HeldCertificate(certificate))
            }
            return all
        }
    }

    /// Which of them has signed it; nil: none.
    ///
    /// - Parameter list: an `X509_CRL`, which stays the caller's.
    @unsafe func signer(of list: OpaquePointer) -> HeldCertificate? {
        all.first { unsafe $0.hasSigned(list) }
    }
}
