// Questions about eight bytes of a text at a time.

import Bytes

/// Each answer has the highest bit of a byte set where that byte is such a one. Bytes further up
/// than the first may be set for nothing: a borrow goes up through them.
enum TextWords {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highBits: UInt64 = 0x80 &* ones

    /// What cannot stand for itself in a JSON string (RFC 8259 §7), and what is not ASCII.
    @inline(__always)
    static func special(_ word: UInt64) -> UInt64 {
        JSONWriter.escaped(word) | word & highBits
    }

    /// What is not visible ASCII.
    @inline(__always)
    static func beyondVisible(_ word: UInt64) -> UInt64 {
        let low = word &- 0x21 &* ones
        let deletes = (word ^ 0x7F &* ones) &- ones
        return (low | deletes | word) & highBits
    }

    /// What is no hexadecimal digit, of either case.
    @inline(__always)
    static func beyondHexadecimal(_ word: UInt64) -> UInt64 {
        // Without the highest bits, so that no sum below carries into the next byte.
        let low = word & ~highBits
        let lower = low | 0x20 &* ones
        // Each sum has the bit where the byte is at least that. So two of them differ in it where a
        // byte lies in between; no byte is a letter and a digit.
        let letters = (lower &+ (0x80 - 0x61) &* ones) ^ (lower &+ (0x80 - 0x67) &* ones)
        let digits = (low &+ (0x80 - 0x30) &* ones) ^ (low &+ (0x80 - 0x3A) &* ones)
        return (~(letters ^ digits) | word) & highBits
    }
}
