// Questions about eight bytes of a JSON string at a time (RFC 8259 §7).

/// Each answer has the highest bit of a byte set where that byte is such a one. Bytes further up
/// than the first may be set for nothing: a borrow goes up through them.
enum JSONWords {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highBits: UInt64 = 0x80 &* ones

    /// Quotes, backslashes, control characters: what cannot stand for itself.
    @inline(__always)
    static func escaped(_ word: UInt64) -> UInt64 {
        // A byte less what is to be found is below zero there, and below 0x80 in all other ASCII.
        let quotes = (word ^ UInt64(UInt8(ascii: "\"")) &* ones) &- ones
        let backslashes = (word ^ UInt64(UInt8(ascii: "\\")) &* ones) &- ones
        let controls = word &- 0x20 &* ones
        return (quotes | backslashes | controls) & ~word & highBits
    }

    /// The same, and what is not ASCII.
    @inline(__always)
    static func special(_ word: UInt64) -> UInt64 {
        escaped(word) | word & highBits
    }
}
