// Bytes by the word instead of one by one.

/// True where both have the same bytes. There is no way out of the loop but its end, so that the
/// compiler makes one of it that takes 32 bytes at a time.
public func areEqual(_ one: Span<UInt8>, _ other: Span<UInt8>) -> Bool {
    guard one.count == other.count else { return false }
    var difference: UInt8 = 0
    for at in one.indices { difference |= one[at] ^ other[at] }
    return difference == 0
}

extension Span<UInt8> {
    /// The eight bytes from `start` on, the first in the lowest place.
    @inlinable @inline(__always)
    public func word(at start: Int) -> UInt64 {
        let bytes = extracting(start..<start &+ 8)
        // The compiler makes one load of these.
        return UInt64(bytes[0]) | UInt64(bytes[1]) << 8 | UInt64(bytes[2]) << 16
            | UInt64(bytes[3]) << 24 | UInt64(bytes[4]) << 32 | UInt64(bytes[5]) << 40
            | UInt64(bytes[6]) << 48 | UInt64(bytes[7]) << 56
    }
}
