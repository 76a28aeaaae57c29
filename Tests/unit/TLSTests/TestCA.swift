// A certification authority for tests: it makes whatever certificate a test wants, good or not.

import COpenSSL

@testable import TLS

/// Tests live on this day; certificates are judged by it.
let testDay: Int64 = 1_800_000_000_000
let oneDay: Int64 = 86_400_000

struct TestCA: Sendable {
    let made: MadeCertificate

    init(made: MadeCertificate) { self.made = made }

    /// - Parameter issuer: who signs it; nil: itself.
    init(
        _ name: String = "Test CA", by issuer: TestCA? = nil, until: Int64 = testDay + 365 * oneDay
    ) {
        made = CertificateMaker(
            name: name, from: testDay - 2 * oneDay, until: until,
            extensions: [
                (NID_basic_constraints, "critical,CA:TRUE"),
                (NID_key_usage, "critical,keyCertSign,cRLSign"),
                (
                    NID_subject_key_identifier,
                    String(UInt64.random(in: .min ... .max), radix: 16).padded
                ),
            ]
        ).make(by: issuer?.made)
    }

    var pem: [UInt8] { made.certificatePEM }

    /// - Parameter usage: the extended key usage.
    func issue(
        _ name: String, usage: String, from: Int64 = testDay - oneDay,
        until: Int64 = testDay + oneDay
    ) -> MadeCertificate {
        CertificateMaker(
            name: name, from: from, until: until,
            extensions: [
                (NID_basic_constraints, "critical,CA:FALSE"),
                (NID_key_usage, "critical,digitalSignature"),
                (NID_ext_key_usage, usage), (NID_subject_alt_name, "DNS:localhost"),
            ]
        ).make(by: made)
    }

    /// A revocation list with these certificates on it.
    ///
    /// - Parameters:
    ///   - number: nil: it has none.
    ///   - isDelta: it adds to the list with number 1.
    ///   - scope: nil: all certificates of this CA.
    ///   - namesKey: it says whose key has signed it (RFC 5280 §5.2.1).
    func revoke(
        _ revoked: [MadeCertificate], from: Int64 = testDay - oneDay,
        until: Int64 = testDay + oneDay, number: Int? = nil, isDelta: Bool = false,
        scope: ListScope? = nil, namesKey: Bool = false
    ) -> [UInt8] {
        // Freed at the end; OpenSSL keeps nothing of it.
        guard let list = unsafe X509_CRL_new(), let time = unsafe ASN1_TIME_new() else { return [] }
        defer {
            unsafe X509_CRL_free(list)
            unsafe ASN1_TIME_free(time)
        }
        unsafe X509_CRL_set_version(list, 1)
        unsafe X509_CRL_set_issuer_name(list, X509_get_subject_name(made.certificate))
        unsafe ASN1_TIME_set(time, Int(from / 1000))
        unsafe X509_CRL_set1_lastUpdate(list, time)
        for certificate in revoked {
            guard let entry = unsafe X509_REVOKED_new() else { continue }
            unsafe X509_REVOKED_set_serialNumber(
                entry, X509_get_serialNumber(certificate.certificate))
            unsafe X509_REVOKED_set_revocationDate(entry, time)
            // The list owns it from here on.
            unsafe X509_CRL_add0_revoked(list, entry)
        }
        unsafe ASN1_TIME_set(time, Int(until / 1000))
        unsafe X509_CRL_set1_nextUpdate(list, time)
        unsafe TestCA.add(number, isDelta, scope, to: list)
        if namesKey { unsafe addKey(to: list) }
        unsafe X509_CRL_sort(list)
        unsafe X509_CRL_sign(list, made.key, EVP_sha256())
        return unsafe PEMWriter.text { bio in unsafe PEM_write_bio_X509_CRL(bio, list) }
    }

    @unsafe private func addKey(to list: OpaquePointer) {
        guard let id = unsafe AUTHORITY_KEYID_new() else { return }
        defer { unsafe AUTHORITY_KEYID_free(id) }
        // It owns the copy.
        unsafe id.pointee.keyid = ASN1_STRING_dup(X509_get0_subject_key_id(made.certificate))
        unsafe X509_CRL_add1_ext_i2d(list, NID_authority_key_identifier, id, 0, 0)
    }

    @unsafe private static func add(
        _ number: Int?, _ isDelta: Bool, _ scope: ListScope?, to list: OpaquePointer
    ) {
        if let number, let value = unsafe ASN1_INTEGER_new() {
            defer { unsafe ASN1_INTEGER_free(value) }
            unsafe ASN1_INTEGER_set(value, number)
            // The list copies it.
            unsafe X509_CRL_add1_ext_i2d(list, NID_crl_number, value, 0, 0)
            unsafe ASN1_INTEGER_set(value, 1)
            if isDelta { unsafe X509_CRL_add1_ext_i2d(list, NID_delta_crl, value, 1, 0) }
        }
        if let scope, let point = unsafe ISSUING_DIST_POINT_new() {
            defer { unsafe ISSUING_DIST_POINT_free(point) }
            unsafe scope.write(point)
            unsafe X509_CRL_add1_ext_i2d(list, NID_issuing_distribution_point, point, 1, 0)
        }
    }
}

extension String {
    /// With as many digits as eight bytes have.
    fileprivate var padded: String { String(repeating: "0", count: 16 - count) + self }
}

extension MadeCertificate {
    var der: [UInt8] {
        unsafe PEMWriter.text { bio in unsafe i2d_X509_bio(bio, certificate) }
    }
}

/// Which certificates a revocation list is about (RFC 5280 §5.2.5).
enum ListScope {
    case users, authorities, othersToo, someReasons

    @unsafe fileprivate func write(_ point: UnsafeMutablePointer<ISSUING_DIST_POINT>) {
        switch self {
        case .users: unsafe point.pointee.onlyuser = 0xff
        case .authorities: unsafe point.pointee.onlyCA = 0xff
        case .othersToo: unsafe point.pointee.indirectCRL = 0xff
        case .someReasons:
            // The point owns it.
            let reasons = unsafe ASN1_BIT_STRING_new()
            unsafe ASN1_BIT_STRING_set_bit(reasons, 1, 1)
            unsafe point.pointee.onlysomereasons = reasons
        }
    }
}

/// What a client brings to a connection.
@safe final class TestClient {
    // Freed in `deinit`.
    @safe let raw: OpaquePointer

    /// - Parameters:
    ///   - certificate: what it shows, where it is asked.
    ///   - more: what it shows beside that.
    init(
        _ certificate: MadeCertificate? = nil, with more: MadeCertificate? = nil,
        oldest: Int32 = TLS1_2_VERSION, newest: Int32 = 0,
        protocols: [String] = [], signatures: String? = nil
    ) {
        guard let raw = unsafe SSL_CTX_new(TLS_client_method()) else {
            preconditionFailure("there is no memory")
        }
        unsafe self.raw = raw
        unsafe SSL_CTX_ctrl(raw, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(oldest), nil)
        unsafe SSL_CTX_ctrl(raw, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(newest), nil)
        // A client of another time is none of ours: it speaks what it is told to.
        unsafe SSL_CTX_set_security_level(raw, 0)
        let offer = protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
        unsafe SSL_CTX_set_alpn_protos(raw, offer, UInt32(offer.count))
        if let signatures {
            var names = Array(signatures.utf8CString)
            unsafe names.withUnsafeMutableBytes {
                _ = unsafe SSL_CTX_ctrl(raw, SSL_CTRL_SET_SIGALGS_LIST, 0, $0.baseAddress)
            }
        }
        guard let certificate else { return }
        unsafe SSL_CTX_use_certificate(raw, certificate.certificate)
        unsafe SSL_CTX_use_PrivateKey(raw, certificate.key)
        guard let more else { return }
        unsafe SSL_CTX_ctrl(
            raw, SSL_CTRL_CHAIN_CERT, 1, UnsafeMutableRawPointer(more.certificate))
    }

    deinit { unsafe SSL_CTX_free(raw) }

    func session(_ buffers: TLSBuffers) -> TLSSession { unsafe TLSSession(raw, buffers) }
}
