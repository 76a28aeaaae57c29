// One certificate as OpenSSL has read it, and what is asked of it. Knows no chain.

import COpenSSL
import Glibc
import Tokens

/// Owns an `X509`. One thread at a time.
@safe final class X509Certificate {
    /// Freed in `deinit`.
    let handle: OpaquePointer

    /// nil: OpenSSL's own. It is not freed.
    @safe private nonisolated(unsafe) static let library = unsafe obie_new_certificate_library()

    /// - Returns: nil where the bytes are no certificate, or have something behind it.
    init?(_ der: [UInt8]) {
        let parsed = unsafe der.withUnsafeBufferPointer {
            unsafe obie_read_certificate(X509Certificate.library, $0.baseAddress, $0.count)
        }
        // What could not be read is no failure of the next one who asks OpenSSL.
        ERR_clear_error()
        guard let parsed = unsafe parsed else { return nil }
        unsafe handle = parsed
    }

    deinit { unsafe X509_free(handle) }

    /// SHA-256 of its DER.
    var thumbprint: Thumbprint? { unsafe X509Certificate.thumbprint(of: handle) }

    /// - Parameter certificate: stays the caller's.
    @unsafe static func thumbprint(of certificate: OpaquePointer) -> Thumbprint? {
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        guard unsafe X509_digest(certificate, EVP_sha256(), &digest, &count) == 1 else {
            return nil
        }
        return Thumbprint(Array(digest.prefix(Int(count))))
    }

    /// All that the domain asks about.
    ///
    /// - Returns: nil where something in it cannot be read.
    var facts: Certificate? {
        guard let thumbprint, let subject, let alternativeNames, let roles,
            let validFrom = unsafe X509Certificate.milliseconds(X509_get0_notBefore(handle)),
            let validUntil = unsafe X509Certificate.milliseconds(X509_get0_notAfter(handle))
        else { return nil }
        return Certificate(
            thumbprint: thumbprint, subject: subject, alternativeNames: alternativeNames,
            roles: roles, validFrom: validFrom, validUntil: validUntil,
            isAuthority: unsafe X509_check_ca(handle) != 0,
            hasUnknownExtension: unsafe X509_get_extension_flags(handle) & UInt32(EXFLAG_CRITICAL)
                != 0)
    }

    // MARK: Names

    private var subject: [NameAttribute]? {
        let name = unsafe X509_get_subject_name(handle)
        var attributes: [NameAttribute] = []
        let count = unsafe X509_NAME_entry_count(name)
        for index in 0..<count {
            guard let entry = unsafe X509_NAME_get_entry(name, index),
                let type = unsafe X509Certificate.dotted(X509_NAME_ENTRY_get_object(entry)),
                let value = unsafe X509Certificate.text(X509_NAME_ENTRY_get_data(entry))
            else { return nil }
            attributes.append(NameAttribute(type: type, value: value))
        }
        return attributes
    }

    private static let dottedMax = 128

    @unsafe private static func dotted(_ object: OpaquePointer?) -> String? {
        var text = [CChar](repeating: 0, count: dottedMax)
        let count = Int(unsafe OBJ_obj2txt(&text, Int32(text.count), object, 1))
        guard count > 0, count < dottedMax else { return nil }
        return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The characters of a string of whatever kind; of what is no string, such as a unique identifier, its
    /// bytes behind a NUL, which no text begins with.
    @unsafe private static func text(_ string: UnsafePointer<ASN1_STRING>?) -> String? {
        var bytes: UnsafeMutablePointer<UInt8>?
        let count = unsafe ASN1_STRING_to_UTF8(&bytes, string)
        ERR_clear_error()
        guard count >= 0, let bytes = unsafe bytes else {
            let raw = unsafe X509Certificate.bytes(string)
            return "\u{0}" + raw.map { String($0, radix: 16) }.joined(separator: ".")
        }
        // OpenSSL has made it for us alone.
        defer { unsafe CRYPTO_free(bytes, nil, 0) }
        return unsafe String(
            validating: UnsafeBufferPointer(start: bytes, count: Int(count)), as: UTF8.self)
    }

    @unsafe private static func bytes(_ string: UnsafePointer<ASN1_STRING>?) -> [UInt8] {
        let count = Int(unsafe ASN1_STRING_length(string))
        guard count > 0, let start = unsafe ASN1_STRING_get0_data(string) else { return [] }
        return unsafe Array(UnsafeBufferPointer(start: start, count: count))
    }

    /// Of the kinds that a client can be known by; others are left out. nil: they cannot be read.
    private var alternativeNames: [AlternativeName]? {
        var critical: Int32 = 0
        let found = unsafe X509_get_ext_d2i(handle, NID_subject_alt_name, &critical, nil)
        ERR_clear_error()
        // -1: there is none. -2: there are two.
        guard let found = unsafe found else { return critical == -1 ? [] : nil }
        let names = OpaquePointer(found)
        defer { unsafe GENERAL_NAMES_free(names) }
        var all: [AlternativeName] = []
        let count = unsafe OPENSSL_sk_num(names)
        for index in 0..<count {
            guard let name = unsafe OPENSSL_sk_value(names, index) else { return nil }
            var type: Int32 = 0
            let value = unsafe GENERAL_NAME_get0_value(
                name.assumingMemoryBound(to: GENERAL_NAME.self), &type)
            guard [GEN_EMAIL, GEN_DNS, GEN_URI, GEN_IPADD].contains(type),
                let value = unsafe value
            else { continue }
            let content = unsafe X509Certificate.bytes(
                UnsafePointer(value.assumingMemoryBound(to: ASN1_STRING.self)))
            guard let one = X509Certificate.alternativeName(type, content) else { return nil }
            all.append(one)
        }
        return all
    }

    private static func alternativeName(_ type: Int32, _ content: [UInt8]) -> AlternativeName? {
        if type == GEN_IPADD { return [4, 16].contains(content.count) ? .ip(content) : nil }
        // IA5String (RFC 5280 §4.2.1.6). A NUL has ended names before their end (CVE-2009-2408).
        guard content.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        let text = String(decoding: content, as: UTF8.self)
        return switch type {
        case GEN_DNS: AlternativeName(dns: text)
        case GEN_URI: .uri(text)
        default: AlternativeName(email: text)
        }
    }

    // MARK: The rest

    /// nil: the statements cannot be read. Inside: nil where there is none about PSD2.
    private var roles: ProviderRoles?? {
        let index = unsafe X509_get_ext_by_NID(handle, NID_qcStatements, -1)
        guard index >= 0 else { return .some(nil) }
        guard unsafe X509_get_ext_by_NID(handle, NID_qcStatements, index) < 0,
            let value = unsafe X509_EXTENSION_get_data(X509_get_ext(handle, index))
        else { return nil }
        switch QualifiedStatements.roles(unsafe X509Certificate.bytes(value)) {
        case .none: return .some(nil)
        case .roles(let roles): return .some(roles)
        case .malformed: return nil
        }
    }

    @unsafe private static func milliseconds(_ time: UnsafePointer<ASN1_TIME>?) -> Milliseconds? {
        var parts = unsafe tm()
        guard unsafe time != nil, unsafe ASN1_TIME_to_tm(time, &parts) == 1 else { return nil }
        return Milliseconds(unsafe timegm(&parts)) * 1000
    }
}
