// The certificate of a client, as the proxy in front passes it on in a header field. What is read here anybody
// can write: it is believed from trusted proxies only, and that is checked elsewhere.

import Bytes
import HTTP1
import Tokens

/// The field in which trusted proxies pass on the certificate of their client, and how it is written there.
public final class CertificateField: Sendable, Equatable {
    enum Form {
        /// RFC 9440: `:`, base64 of the DER, `:`.
        case structured
        /// Envoy's `x-forwarded-client-cert`: one element, with `Cert=` or `Hash=`.
        case elements
        /// PEM with percent escapes, as nginx's `$ssl_client_escaped_cert` is, or base64 of the DER.
        case escaped
    }

    /// In lower case.
    public let name: String
    let form: Form
    let fieldName: FieldName

    /// How long a name may be.
    public static let nameLengths = 1...31

    /// SHA-256 of a certificate in DER.
    let digest: @Sendable (Span<UInt8>) -> [UInt8]

    /// - Parameters:
    ///   - name: `client-cert`, `x-forwarded-client-cert`, or whatever else the proxy calls it.
    ///   - digest: SHA-256.
    /// - Returns: nil where no field can be called so (RFC 9110 §5.6.2), or one means something else.
    public init?(_ name: String, digest: @escaping @Sendable (Span<UInt8>) -> [UInt8]) {
        guard CertificateField.nameLengths.contains(name.utf8.count),
            name.utf8.allSatisfy(CertificateField.isLowerCase), !CertificateField.isTaken(name)
        else { return nil }
        self.name = name
        self.digest = digest
        form =
            switch name {
            case "client-cert": .structured
            case "x-forwarded-client-cert": .elements
            default: .escaped
            }
        fieldName = FieldName(name)
    }

    private static func isLowerCase(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "-")
            || byte == UInt8(ascii: "_")
    }

    /// Whether a field of that name means something else: here, in HTTP, or to whoever stands between.
    public static func isTaken(_ name: String) -> Bool {
        RequestFields.knownNames.contains(name) || ofHTTP.contains(name) || ofProxies.contains(name)
            || name.hasPrefix("sec-") || name.hasPrefix("accept")
    }

    /// What proxies say of their clients otherwise.
    private static let ofProxies: Set<String> = [
        "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port",
        "x-real-ip", "tracestate",
    ]

    /// RFC 9110, RFC 9112, RFC 6265, RFC 6454, RFC 9111.
    private static let ofHTTP: Set<String> = [
        "host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade",
        "expect", "date", "via", "from", "user-agent", "referer", "origin", "cookie", "range",
        "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range",
        "max-forwards", "cache-control", "pragma", "keep-alive", "proxy-authorization",
        "proxy-connection", "http2-settings", "content-language", "content-location",
        "content-range",
    ]

    public static func == (one: CertificateField, other: CertificateField) -> Bool {
        one.name == other.name
    }
}

/// What one value of such a field says. Made once for each value that a connection sees.
final class ForwardedCertificate {
    enum Content: Equatable {
        /// In DER, the client's own first.
        case chain([[UInt8]])
        /// The proxy says no more.
        case thumbprint(Thumbprint)
        /// It says nothing that could be read: a title for people.
        case refused(String)
    }

    /// The value as it came; what else it was judged by is the same for all of a connection.
    let value: [UInt8]
    let content: Content

    init(_ value: [UInt8], _ content: Content) {
        (self.value, self.content) = (value, content)
    }

    /// Reads a value that came from a trusted proxy, once.
    convenience init(_ value: [UInt8], _ field: CertificateField) {
        let found: Content? =
            switch field.form {
            case .structured: ForwardedCertificate.structured(value)
            case .elements: ForwardedCertificate.element(value, field.digest)
            case .escaped: CertificateText.chain(value.span).map { .chain($0) }
            }
        self.init(
            value,
            found
                ?? .refused(
                    "the header \(field.name) must be one certificate, as its kind is written"))
    }

    /// A byte sequence (RFC 8941 §3.3.5).
    private static func structured(_ value: [UInt8]) -> Content? {
        let colon = UInt8(ascii: ":")
        guard value.count > 2, value.first == colon, value.last == colon else { return nil }
        return Base64.decode(value.span, 1..<value.count - 1).map { .chain([$0]) }
    }

    /// One element: a second one is of another proxy, and nobody could say which is whose.
    private static func element(
        _ value: [UInt8], _ digest: (Span<UInt8>) -> [UInt8]
    ) -> Content? {
        guard let pairs = ElementReader.pairs(value) else { return nil }
        let certificates = pairs.filter { $0.name == "cert" }
        let hashes = pairs.filter { $0.name == "hash" }
        guard certificates.count <= 1, hashes.count <= 1 else { return nil }
        let thumbprint = hashes.first.flatMap { Hexadecimal.bytesInAnyCase($0.value) }
            .flatMap { Thumbprint($0) }
        // Half of what a proxy says is no more to be believed than the whole.
        if !hashes.isEmpty, thumbprint == nil { return nil }
        guard let certificate = certificates.first else {
            return thumbprint.map { .thumbprint($0) }
        }
        guard let chain = CertificateText.chain(certificate.value.span), let first = chain.first
        else { return nil }
        if let thumbprint, Thumbprint(digest(first.span)) != thumbprint { return nil }
        return .chain(chain)
    }
}

/// Reads one element of `x-forwarded-client-cert`: pairs between semicolons, values that may be quoted.
private struct ElementReader {
    private var rest: ArraySlice<UInt8>

    /// - Returns: the names in lower case; nil where it is no element, or more than one.
    static func pairs(_ value: [UInt8]) -> [(name: String, value: [UInt8])]? {
        var reader = ElementReader(rest: value[...])
        var pairs: [(String, [UInt8])] = []
        while true {
            guard let equals = reader.rest.firstIndex(of: UInt8(ascii: "=")) else { return nil }
            let name = String(decoding: reader.rest[..<equals], as: UTF8.self).lowercased()
            reader.rest = reader.rest[(equals + 1)...]
            guard let value = reader.value() else { return nil }
            pairs.append((name, value))
            if reader.rest.isEmpty { return pairs }
            guard reader.rest.popFirst() == UInt8(ascii: ";") else { return nil }
        }
    }

    private mutating func value() -> [UInt8]? {
        guard rest.first == UInt8(ascii: "\"") else {
            let value = rest.prefix {
                ![UInt8(ascii: ";"), UInt8(ascii: ","), UInt8(ascii: "\"")].contains($0)
            }
            rest = rest.dropFirst(value.count)
            return Array(value)
        }
        rest = rest.dropFirst()
        var value: [UInt8] = []
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\"") { return value }
            if byte == UInt8(ascii: "\\") {
                guard let escaped = rest.popFirst() else { return nil }
                value.append(escaped)
            } else {
                value.append(byte)
            }
        }
        return nil
    }
}
