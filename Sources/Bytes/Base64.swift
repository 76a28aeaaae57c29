// Base64 as clients send it (RFC 4648 §4).

public enum Base64 {
    /// The bytes that the text in `range` stands for. nil for an empty text, and for everything but
    /// the one form that an encoder writes: padding where it belongs, no other character, no stray
    /// bits (RFC 4648 §3.3, §3.5).
    public static func decode(_ bytes: Span<UInt8>, _ range: Range<Int>) -> [UInt8]? {
        guard !range.isEmpty, range.count % 4 == 0 else { return nil }
        var end = range.upperBound
        while end > range.lowerBound, bytes[end - 1] == UInt8(ascii: "=") { end -= 1 }
        guard range.upperBound - end <= 2 else { return nil }
        return digits(bytes, range.lowerBound..<end, UInt8(ascii: "+"), UInt8(ascii: "/"))
    }

    /// The bytes that digits without padding stand for; nil where one is none, or has stray bits.
    ///
    /// - Parameters:
    ///   - next: the digit of 62; that of 63 is `last`.
    static func digits(
        _ bytes: Span<UInt8>, _ range: Range<Int>, _ next: UInt8, _ last: UInt8
    ) -> [UInt8]? {
        var output: [UInt8] = []
        output.reserveCapacity(range.count / 4 * 3 + 2)
        var bits: UInt32 = 0
        var count = 0
        for at in range {
            guard let value = value(bytes[at], next, last) else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                output.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return bits & (1 << UInt32(count) - 1) == 0 ? output : nil
    }

    private static func value(_ byte: UInt8, _ next: UInt8, _ last: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - 0x41
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - 0x61 + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - 0x30 + 52
        case next: 62
        case last: 63
        default: nil
        }
    }
}
