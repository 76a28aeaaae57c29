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
            let colon = plain.firstIndex(of: UInt8(ascii: ":")),
            !plain.contains(where: { $0 < 0x20 || $0 == 0x7F }),
            let id = String(validating: plain[..<colon], as: UTF8.self),
            String(validating: plain[plain.index(after: colon)...], as: UTF8.self) != nil
        else { return nil }
        self.id = id
        secret = Array(plain[plain.index(after: colon)...])
    }
}
