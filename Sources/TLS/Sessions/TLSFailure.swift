// Why a connection could not be encrypted, or no longer: a fixed set, for metrics.

import COpenSSL

/// Why TLS has ended a connection.
public enum TLSFailure: String, CaseIterable, Sendable {
    /// The handshake took too long.
    case timeout
    /// The server had no place or no time for it any more.
    case abandoned
    /// The connection went away amid the handshake.
    case ended
    /// HTTP without TLS, on a port for TLS.
    case plainHTTP = "plain_http"
    /// No TLS, or none that can be read.
    case malformed
    /// The client speaks no version that is allowed.
    case version
    /// There is no suite, group or signature that both know.
    case algorithms
    /// The client wants to speak something other than HTTP/1.1.
    case alpn
    /// The client showed no certificate, and has to.
    case certificateMissing = "certificate_missing"
    case certificateExpired = "certificate_expired"
    case certificateRevoked = "certificate_revoked"
    /// It comes from nobody who is trusted, or is forged.
    case certificateUntrusted = "certificate_untrusted"
    /// It is not for clients.
    case certificatePurpose = "certificate_purpose"
    /// Whatever else is wrong with it.
    case certificate
    /// There is no revocation list that counts now.
    case revocationList = "revocation_list"
    /// The client gave up, and said so: it may not trust the server's certificate.
    case alert
    /// The server itself could not go on: its key may be one that no client can use.
    case server
    /// Much came, and nothing of it was for HTTP.
    case flood

    /// In words, behind "was refused:".
    ///
    /// - Parameter prefix: what the settings of the listener begin with.
    func text(_ prefix: String) -> String {
        switch self {
        case .timeout: "its TLS handshake took too long"
        case .abandoned: "there was no place for its TLS handshake any more"
        case .ended: "it went away amid the TLS handshake"
        case .plainHTTP: "it speaks HTTP without TLS; clients have to use https://"
        case .malformed: "it does not speak TLS as it should"
        case .version: "it knows no version of TLS that tls-min-version allows"
        case .algorithms: "it knows no suite, group or signature that this server does"
        case .alpn: "it wants to speak something other than HTTP/1.1 (ALPN)"
        case .certificateMissing: "it showed no client certificate"
        case .certificateExpired: "its client certificate is not valid now"
        case .certificateRevoked: "its client certificate is revoked"
        case .certificateUntrusted:
            "its client certificate comes from no CA of \(prefix)tls-client-ca"
        case .certificatePurpose: "its certificate is not for clients (extended key usage)"
        case .certificate: "its client certificate is not acceptable"
        case .revocationList:
            "there is no current revocation list of its CA in \(prefix)tls-client-crl"
        case .alert:
            "it ended the TLS handshake itself, as clients do that do not trust the certificate"
        case .server:
            "the server could not go on; are \(prefix)tls-certificate and \(prefix)tls-key of a usual kind?"
        case .flood: "it sent much that had nothing in it"
        }
    }
}

extension TLSFailure {
    /// The peer's alerts among the reasons (`ssl.h`).
    private static let alerts: Range<Int32> = 1000..<1256
    /// "From libcrypto's reader of ASN.1" (`ERR_R_ASN1_LIB`, which is a macro): while it read a certificate.
    private static let unreadable = ERR_LIB_ASN1 | 2 << 18
    /// The others that all libraries have stand from here on (`ERR_R_…`): the server could not go on.
    private static let common: Int32 = 2 << 18

    /// - Parameters:
    ///   - entry: the last error of the call that failed.
    ///   - verdict: on the client's certificate (`SSL_get_verify_result`).
    init(_ entry: TLSLibrary.Entry?, verdict: Int) {
        guard let entry, entry.library == ERR_LIB_SSL else {
            self = .malformed
            return
        }
        self =
            switch entry.reason {
            case SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST: .plainHTTP
            case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_VERSION_TOO_LOW, SSL_R_UNKNOWN_PROTOCOL,
                SSL_R_WRONG_SSL_VERSION, SSL_R_INAPPROPRIATE_FALLBACK:
                .version
            case SSL_R_NO_SHARED_CIPHER, SSL_R_NO_SUITABLE_KEY_SHARE, SSL_R_NO_SHARED_GROUPS,
                SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS,
                SSL_R_NO_CIPHERS_SPECIFIED:
                .algorithms
            case SSL_R_NO_APPLICATION_PROTOCOL: .alpn
            case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: .certificateMissing
            case SSL_R_CERTIFICATE_VERIFY_FAILED: TLSFailure(verdict: Int32(clamping: verdict))
            case TLSFailure.alerts: .alert
            case TLSFailure.unreadable, SSL_R_CERT_LENGTH_MISMATCH, SSL_R_WRONG_CURVE,
                SSL_R_UNKNOWN_CERTIFICATE_TYPE:
                .certificate
            case TLSFailure.common...: .server
            default: .malformed
            }
    }

    private init(verdict: Int32) {
        self =
            switch verdict {
            case X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID: .certificateExpired
            case X509_V_ERR_CERT_REVOKED: .certificateRevoked
            case X509_V_ERR_INVALID_PURPOSE, X509_V_ERR_CERT_REJECTED: .certificatePurpose
            case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
                X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
                X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_SIGNATURE_FAILURE,
                X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
                X509_V_ERR_CERT_UNTRUSTED, X509_V_ERR_INVALID_CA, X509_V_ERR_CERT_CHAIN_TOO_LONG:
                .certificateUntrusted
            case X509_V_ERR_UNABLE_TO_GET_CRL, X509_V_ERR_CRL_HAS_EXPIRED,
                X509_V_ERR_CRL_NOT_YET_VALID, X509_V_ERR_CRL_SIGNATURE_FAILURE,
                X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, X509_V_ERR_DIFFERENT_CRL_SCOPE,
                X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
                .revocationList
            default: .certificate
            }
    }
}
