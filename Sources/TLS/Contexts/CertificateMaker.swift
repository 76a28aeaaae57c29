// Certificates of our own: for trying the server out, and for tests. Nobody else should trust them.

import COpenSSL
import Glibc
import System

/// A certificate with its key. The key is secret.
/// Any thread: it never changes.
@safe final class MadeCertificate: CustomStringConvertible, @unchecked Sendable {
    // Both freed in `deinit`.
    @safe let certificate: OpaquePointer
    @safe let key: OpaquePointer

    @unsafe init(_ certificate: OpaquePointer, _ key: OpaquePointer) {
        unsafe self.certificate = certificate
        unsafe self.key = key
    }

    deinit {
        unsafe X509_free(certificate)
        unsafe EVP_PKEY_free(key)
    }

    var description: String { "MadeCertificate(redacted)" }

    var certificatePEM: [UInt8] {
        unsafe PEMWriter.text { bio in unsafe PEM_write_bio_X509(bio, certificate) }
    }

    var keyPEM: [UInt8] {
        unsafe PEMWriter.text { bio in
            unsafe PEM_write_bio_PrivateKey(bio, key, nil, nil, 0, nil, nil)
        }
    }
}

/// What a certificate is to say. A value.
struct CertificateMaker {
    /// The common name of its subject.
    var name: String
    /// In milliseconds since 1970.
    var from: Int64
    var until: Int64
    /// By OpenSSL's numbers, each as `openssl x509 -extfile` takes it (`x509v3_config(5)`).
    var extensions: [(number: Int32, text: String)] = []

    /// - Parameter issuer: who signs it; nil: itself.
    func make(by issuer: MadeCertificate? = nil) -> MadeCertificate {
        precondition(TLSLibrary.isStarted, "OpenSSL does not start")
        guard let key = unsafe obie_make_key(), let certificate = unsafe X509_new() else {
            preconditionFailure("there is no memory for a certificate")
        }
        let made = unsafe MadeCertificate(certificate, key)
        unsafe X509_set_version(certificate, 2)
        var number = [UInt8](repeating: 0, count: 8)
        SystemRandom.fill(&number)
        unsafe ASN1_INTEGER_set_uint64(
            X509_get_serialNumber(certificate), number.reduce(0) { $0 << 8 | UInt64($1) } >> 1)
        unsafe ASN1_TIME_set(X509_getm_notBefore(certificate), Int(from / 1000))
        unsafe ASN1_TIME_set(X509_getm_notAfter(certificate), Int(until / 1000))
        unsafe X509_set_pubkey(certificate, key)
        let subject = unsafe X509_get_subject_name(certificate)
        unsafe X509_NAME_add_entry_by_txt(
            subject, "CN", MBSTRING_UTF8, Array(name.utf8), Int32(name.utf8.count), -1, 0)
        let signer = issuer ?? made
        unsafe X509_set_issuer_name(certificate, X509_get_subject_name(signer.certificate))
        for (number, text) in extensions { unsafe add(number, text, to: certificate) }
        let length = unsafe X509_sign(certificate, signer.key, EVP_sha256())
        precondition(length > 0, "OpenSSL does not sign: \(TLSLibrary.lastReason)")
        return made
    }

    @unsafe private func add(_ number: Int32, _ text: String, to certificate: OpaquePointer) {
        guard let made = unsafe X509V3_EXT_conf_nid(nil, nil, number, text) else {
            preconditionFailure("OpenSSL does not know \(text): \(TLSLibrary.lastReason)")
        }
        // The certificate has a copy of its own.
        unsafe X509_add_ext(certificate, made, -1)
        unsafe X509_EXTENSION_free(made)
    }
}

/// What OpenSSL writes, in memory.
enum PEMWriter {
    /// - Parameter write: returns 1 where it could.
    static func text(_ write: (OpaquePointer) -> Int32) -> [UInt8] {
        guard let bio = unsafe BIO_new(BIO_s_mem()) else {
            preconditionFailure("there is no memory for a certificate")
        }
        defer { unsafe BIO_free(bio) }
        precondition(unsafe write(bio) == 1, "OpenSSL does not write: \(TLSLibrary.lastReason)")
        var text = [UInt8](repeating: 0, count: unsafe BIO_ctrl_pending(bio))
        unsafe BIO_read(bio, &text, Int32(text.count))
        return text
    }
}

/// A certificate for trying the server out: it has signed itself.
public enum SelfSigned {
    /// - Parameters:
    ///   - names: of the server, as clients connect to it: host names and IP addresses, at least one.
    ///   - now: in milliseconds since 1970.
    ///   - days: for how long it is good.
    /// - Returns: both in PEM. The key is secret.
    public static func make(
        names: [String], now: Int64, days: Int64
    ) -> (certificate: [UInt8], key: [UInt8]) {
        let alternatives = names.map { isAddress($0) ? "IP:\($0)" : "DNS:\($0)" }
        let made = CertificateMaker(
            name: names[0], from: now - 60_000, until: now + days * 86_400_000,
            extensions: [
                (NID_basic_constraints, "critical,CA:FALSE"),
                (NID_key_usage, "critical,digitalSignature"),
                (NID_ext_key_usage, "serverAuth"),
                (NID_subject_alt_name, alternatives.joined(separator: ",")),
            ]
        ).make()
        return (made.certificatePEM, made.keyPEM)
    }

    private static func isAddress(_ name: String) -> Bool {
        var address = in6_addr()
        return [AF_INET, AF_INET6].contains { unsafe inet_pton($0, name, &address) == 1 }
    }
}
