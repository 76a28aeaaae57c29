// The Basic scheme (RFC 7617): client id and secret out of an Authorization field.

import Bytes

/// What a client says it is. Not yet believed. The secret has no printable form.
struct BasicCredentials: CustomStringConvertible {
    let id: String
    let secret: [UInt8]

    var description: String { "BasicCredentials(redacted)" }

    private static let scheme = [UInt8]("basic".utf8)

    /// Reads `Basic base64(id:secret)`, or nothing. The scheme's case does not matter, the first
    /// colon splits, the text is UTF-8 without control characters (RFC 7617 §2).
    init?(_ bytes: Span<UInt8>, _ value: Range<Int>) {
        let schemeEnd = value.lowerBound + BasicCredentials.scheme.count
        guard value.count > BasicCredentials.scheme.count + 1,
            equalIgnoringCase(bytes, value.lowerBound..<schemeEnd, BasicCredentials.scheme),
            bytes[schemeEnd] == UInt8(ascii: " ")
        else { return nil }
        var start = schemeEnd
        while start < value.upperBound, bytes[start] == UInt8(ascii: " ") { start += 1 }
        guard let plain = Base64.decode(bytes, start..<value.upperBound),
            let colon = plain.firstIndex(of: UInt8(ascii: ":"))
        else { return nil }
        self.init(id: plain[..<colon], secret: plain[plain.index(after: colon)...])
    }

    /// nil where either is no UTF-8 or has control characters.
    init?(id: ArraySlice<UInt8>, secret: ArraySlice<UInt8>) {
        guard let idKind = Self.kind(id), let secretKind = Self.kind(secret) else { return nil }
        switch idKind {
        case .ascii: self.id = String(decoding: id, as: UTF8.self)
        case .other:
            guard let text = String(validating: id, as: UTF8.self) else { return nil }
            self.id = text
        }
        if secretKind == .other, String(validating: secret, as: UTF8.self) == nil { return nil }
        self.secret = Array(secret)
    }

    /// Of a text without control characters. What is ASCII is UTF-8, which takes long to find out.
    private enum Kind { case ascii, other }

    private static func kind(_ bytes: ArraySlice<UInt8>) -> Kind? {
        var all: UInt8 = 0
        for byte in bytes {
            guard byte >= 0x20, byte != 0x7F else { return nil }
            all |= byte
        }
        return all < 0x80 ? .ascii : .other
    }

    /// The same as a client meant it that form-encodes both, as RFC 6749 §2.3.1 wants it; nil where
    /// nothing is encoded, or where it is broken. What was sent decides, and nothing else: so a refusal
    /// takes as long for a client that exists as for one that does not.
    var formDecoded: BasicCredentials? {
        let marks: [UInt8] = [UInt8(ascii: "%"), UInt8(ascii: "+")]
        guard id.utf8.contains(where: marks.contains) || secret.contains(where: marks.contains),
            let plainID = FormReader.decode(Array(id.utf8)),
            let plainSecret = FormReader.decode(secret)
        else { return nil }
        return BasicCredentials(id: plainID[...], secret: plainSecret[...])
    }
}
