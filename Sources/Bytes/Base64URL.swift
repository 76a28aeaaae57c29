// Base64 with the alphabet for URLs, without padding (RFC 4648 §5): how JOSE writes bytes (RFC 7515 §2).

public enum Base64URL {
    /// The text of some bytes.
    public static func text(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count * 4 + 2) / 3)
        var bits: UInt32 = 0
        var count = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                text.append(character(bits >> UInt32(count) & 63))
            }
        }
        if count > 0 { text.append(character(bits << UInt32(6 - count) & 63)) }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes that a text stands for. nil for everything but the one form that `text` writes: no
    /// padding, no other character, no stray bits.
    public static func decode(_ text: Span<UInt8>) -> [UInt8]? {
        guard text.count % 4 != 1 else { return nil }
        return Base64.digits(text, text.indices, UInt8(ascii: "-"), UInt8(ascii: "_"))
    }

    private static func character(_ value: UInt32) -> UInt8 {
        switch UInt8(truncatingIfNeeded: value) {
        case let value where value < 26: value + 0x41
        case let value where value < 52: value - 26 + 0x61
        case let value where value < 62: value - 52 + 0x30
        case 62: UInt8(ascii: "-")
        default: UInt8(ascii: "_")
        }
    }
}
