// What may be a redirect URI (RFC 6749 §3.1.2): an absolute URI without a fragment.

import Bytes

public enum AbsoluteURI {
    /// Longer ones are refused.
    public static let bytesMax = 2048

    /// scheme ":" hier-part [ "?" query ] by its characters (RFC 3986 §4.3, §2).
    public static func isValid(_ text: String) -> Bool {
        let bytes = text.utf8Span.span
        guard var at = endOfScheme(bytes), at + 1 < bytes.count else { return false }
        at += 1
        while at < bytes.count {
            if bytes[at] == UInt8(ascii: "%") {
                guard at + 2 < bytes.count, Hexadecimal.value(bytes[at + 1]) != nil,
                    Hexadecimal.value(bytes[at + 2]) != nil
                else { return false }
                at += 3
            } else {
                guard characters.contains(bytes[at]) else { return false }
                at += 1
            }
        }
        return true
    }

    /// Where the colon behind it stands: ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ).
    private static func endOfScheme(_ bytes: Span<UInt8>) -> Int? {
        for at in bytes.indices {
            if bytes[at] == UInt8(ascii: ":") { return at > 0 ? at : nil }
            guard at > 0 ? scheme.contains(bytes[at]) : letters.contains(bytes[at]) else {
                return nil
            }
        }
        return nil
    }

    private static let letters = ByteSet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    private static let digits = ByteSet("0123456789")
    private static let scheme = letters.union(digits).union(ByteSet("+-."))
    /// unreserved and reserved, without "#".
    private static let characters = letters.union(digits).union(ByteSet("-._~:/?[]@!$&'()*+,;="))
}

/// A bit for each byte of ASCII.
private struct ByteSet {
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    init(_ text: String) {
        for byte in text.utf8 { insert(byte) }
    }

    private mutating func insert(_ byte: UInt8) {
        if byte < 64 { low |= 1 << byte } else { high |= 1 << (byte &- 64) }
    }

    func union(_ other: ByteSet) -> ByteSet {
        var both = self
        both.low |= other.low
        both.high |= other.high
        return both
    }

    @inline(__always)
    func contains(_ byte: UInt8) -> Bool {
        byte < 128 && (byte < 64 ? low : high) &>> UInt64(byte & 63) & 1 != 0
    }
}
