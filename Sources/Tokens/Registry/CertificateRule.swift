// Which certificate a client must show beside its secret (RFC 8705 §2): a rule in the registry, and what meets
// it. Parsed values are compared, never their spelling.

import Bytes

/// What a client's certificate must be. Equal rules have equal texts.
public struct CertificateRule: Hashable, Sendable {
    /// By what it is known.
    public enum Match: Hashable, Sendable {
        /// All of its subject, in whatever order.
        case subject(Set<NameAttribute>)
        /// One of its alternative names.
        case alternativeName(AlternativeName)
        case organization(String)
        /// It itself, and no other (`self_signed_tls_client_auth`, RFC 8705 §2.2).
        case thumbprint(Thumbprint)
    }

    public let match: Match
    /// An authority of its chain, by the authority's own certificate: its name proves nothing. nil: any
    /// or none, which is enough only where the certificate is known by its thumbprint.
    public let authority: Thumbprint?

    /// - Returns: nil for a rule that anybody could meet who has a certificate of some authority, and one
    ///   without a subject.
    public init?(_ match: Match, authority: Thumbprint?) {
        switch match {
        case .thumbprint: break
        case .subject(let attributes): if attributes.isEmpty || authority == nil { return nil }
        case .alternativeName, .organization: if authority == nil { return nil }
        }
        (self.match, self.authority) = (match, authority)
    }

    /// Whether a certificate meets it.
    ///
    /// - Parameter authorities: of its chain, which holds now; none: it does not, or nobody has verified it.
    public func isMet(by certificate: Certificate, authorities: [Thumbprint], now: Milliseconds)
        -> Bool
    {
        guard certificate.validFrom <= now, now <= certificate.validUntil else { return false }
        if let authority, !authorities.contains(authority) { return false }
        return switch match {
        case .subject(let attributes):
            certificate.subject.count == attributes.count
                && Set(certificate.subject) == attributes
        case .alternativeName(let name): certificate.alternativeNames.contains(name)
        case .organization(let identifier): certificate.organizationIdentifier == identifier
        case .thumbprint(let thumbprint): certificate.thumbprint == thumbprint
        }
    }
}

// MARK: As text

extension CertificateRule {
    /// As stores keep it and people see it, such as `organization PSDGB-FCA-111111 by 3q2-…`: words between
    /// blanks, so what has blanks is escaped. It never changes.
    public var text: String {
        var words: [String]
        switch match {
        case .subject(let attributes):
            let parts = attributes.map { "\($0.type)=\(CertificateRule.escaped($0.value))" }
            words = ["subject", parts.sorted().joined(separator: ",")]
        case .alternativeName(.dns(let name)): words = ["dns", CertificateRule.escaped(name)]
        case .alternativeName(.uri(let name)): words = ["uri", CertificateRule.escaped(name)]
        case .alternativeName(.email(let name)): words = ["email", CertificateRule.escaped(name)]
        case .alternativeName(.ip(let bytes)): words = ["ip", AddressText.text(bytes) ?? ""]
        case .organization(let identifier):
            words = ["organization", CertificateRule.escaped(identifier)]
        case .thumbprint(let thumbprint): words = ["thumbprint", "\(thumbprint)"]
        }
        if let authority { words += ["by", "\(authority)"] }
        return words.joined(separator: " ")
    }

    /// - Returns: nil for a text that no rule has.
    public init?(text: String) {
        let words = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard words.count == 2 || words.count == 4 && words[2] == "by" else { return nil }
        var authority: Thumbprint?
        if words.count == 4 {
            authority = Thumbprint(base64URL: Array(words[3].utf8).span)
            if authority == nil { return nil }
        }
        guard let match = CertificateRule.match(words[0], words[1]) else { return nil }
        self.init(match, authority: authority)
        // Of several spellings none is the one that was written.
        guard self.text == text else { return nil }
    }

    private static func match(_ kind: String, _ word: String) -> Match? {
        switch kind {
        case "subject": return subject(word).map { .subject($0) }
        case "dns": return unescaped(word).map { .alternativeName(.dns($0)) }
        case "uri": return unescaped(word).map { .alternativeName(.uri($0)) }
        case "email": return unescaped(word).map { .alternativeName(.email($0)) }
        case "ip":
            return AddressText.bytes(Array(word.utf8).span).map { .alternativeName(.ip($0)) }
        case "organization": return unescaped(word).map { .organization($0) }
        case "thumbprint":
            return Thumbprint(base64URL: Array(word.utf8).span).map { .thumbprint($0) }
        default: return nil
        }
    }

    private static func subject(_ word: String) -> Set<NameAttribute>? {
        var attributes: Set<NameAttribute> = []
        for part in word.split(separator: ",", omittingEmptySubsequences: false) {
            guard let equals = part.firstIndex(of: "="),
                let value = unescaped(String(part[part.index(after: equals)...]))
            else { return nil }
            attributes.insert(NameAttribute(type: String(part[..<equals]), value: value))
        }
        return attributes
    }

    private static let digits = Array("0123456789ABCDEF".utf8)

    /// Visible ASCII stays, but for what has a meaning here.
    private static func escaped(_ text: String) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            if byte > 0x20, byte < 0x7F, byte != UInt8(ascii: "%"), byte != UInt8(ascii: ",") {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func unescaped(_ text: String) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(digits.firstIndex),
                let low = rest.popFirst().flatMap(digits.firstIndex)
            else { return nil }
            bytes.append(UInt8(high << 4 | low))
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
