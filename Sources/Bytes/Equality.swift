// Whether bytes are equal. Each question looks at all bytes before it answers.

/// True where both have the same bytes. The loop ends only where the bytes do.
@inlinable
public func areEqual(_ one: Span<UInt8>, _ other: Span<UInt8>) -> Bool {
    guard one.count == other.count else { return false }
    if one.count >= 8 {
        // The last word has some bytes of the one before.
        let last = one.count &- 8
        var difference = one.word(at: last) ^ other.word(at: last)
        // They lose bytes at their start: that takes fewer comparisons than an index does.
        var (one, other) = (one, other)
        while one.count > 8, other.count > 8 {
            difference |= one.word(at: 0) ^ other.word(at: 0)
            one = one.extracting(droppingFirst: 8)
            other = other.extracting(droppingFirst: 8)
        }
        return difference == 0
    }
    var difference: UInt8 = 0
    for at in one.indices { difference |= one[at] ^ other[at] }
    return difference == 0
}

/// True where the bytes in `range` are exactly `other`.
@inlinable @inline(__always)
public func bytesEqual(_ bytes: Span<UInt8>, _ range: Range<Int>, _ other: [UInt8]) -> Bool {
    range.count == other.count && areEqual(bytes.extracting(range), other.span)
}

/// True where the bytes in `range` are `lowercase` but for the case of ASCII letters.
@inlinable @inline(__always)
public func equalIgnoringCase(
    _ bytes: Span<UInt8>, _ range: Range<Int>, _ lowercase: [UInt8]
) -> Bool {
    guard range.count == lowercase.count else { return false }
    let (here, expected) = (bytes.extracting(range), lowercase.span)
    var difference: UInt8 = 0
    // No way out in between: so several bytes are compared at a time.
    for at in here.indices {
        // Only the case of a letter may differ.
        let mayDiffer: UInt8 = expected[at] &- UInt8(ascii: "a") < 26 ? 0x20 : 0
        difference |= (here[at] ^ expected[at]) & ~mayDiffer
    }
    return difference == 0
}
