// What OpenSSL says about a handshake, as a reason for metrics and logs.

import COpenSSL
import Testing

@testable import TLS

@Suite struct FailureTests {
    /// What all libraries have, such as ERR_R_INTERNAL_ERROR (`err.h`).
    private static let common: UInt = 2 << 18

    private static func entry(_ reason: UInt) -> TLSLibrary.Entry {
        TLSLibrary.Entry(UInt(ERR_LIB_SSL) << 23 | reason)
    }

    @Test(arguments: [
        (UInt(SSL_R_HTTP_REQUEST), TLSFailure.plainHTTP),
        (UInt(SSL_R_NO_SHARED_CIPHER), .algorithms),
        (UInt(SSL_R_CERT_LENGTH_MISMATCH), .certificate),
        (UInt(SSL_R_WRONG_CURVE), .certificate),
        (UInt(SSL_R_BAD_RECORD_TYPE), .malformed),
        // A certificate that libcrypto cannot read.
        (common | UInt(ERR_LIB_ASN1), .certificate),
        // ERR_R_INTERNAL_ERROR, ERR_R_EVP_LIB: nothing that the client has done.
        (common | 259, .server),
        (common | UInt(ERR_LIB_EVP), .server),
        // The client's alerts: close_notify, unknown_ca, the last that there can be.
        (1000, .alert), (1048, .alert), (1255, .alert),
    ])
    func reasonSaysWhatHappened(reason: UInt, failure: TLSFailure) {
        #expect(TLSFailure(Self.entry(reason), verdict: 0) == failure)
    }

    @Test func reasonOfACertificateIsTheVerdict() {
        let refused = Self.entry(UInt(SSL_R_CERTIFICATE_VERIFY_FAILED))
        for (verdict, failure) in [
            (X509_V_ERR_CERT_REVOKED, TLSFailure.certificateRevoked),
            (X509_V_ERR_DIFFERENT_CRL_SCOPE, .revocationList),
            (X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION, .revocationList),
            (X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, .certificate),
        ] {
            #expect(TLSFailure(refused, verdict: Int(verdict)) == failure)
        }
    }
}
