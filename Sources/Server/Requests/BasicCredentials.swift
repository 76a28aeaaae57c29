// The Basic scheme (RFC 7617): client id and secret out of an Authorization field.

import HTTP1

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

/// RFC 4648 §4, strictly: padding where it belongs, no other character, no stray bits.
enum Base64 {
    static func decode(_ bytes: Span<UInt8>, _ range: Range<Int>) -> [UInt8]? {
        guard !range.isEmpty, range.count % 4 == 0 else { return nil }
        var end = range.upperBound
        while end > range.lowerBound, bytes[end - 1] == UInt8(ascii: "=") { end -= 1 }
        guard range.upperBound - end <= 2 else { return nil }
        var output: [UInt8] = []
        output.reserveCapacity(range.count / 4 * 3)
        var bits: UInt32 = 0
        var count = 0
        for at in range.lowerBound..<end {
            guard let value = value(bytes[at]) else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                output.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return bits & (1 << UInt32(count) - 1) == 0 ? output : nil
    }

    private static func value(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - 0x41
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - 0x61 + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - 0x30 + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
