// Eight bytes as one number, for questions that eight bytes are asked at once.

extension Span<UInt8> {
    /// The eight bytes from `start` on, the first in the lowest place. Traps where there are fewer.
    @inlinable @inline(__always)
    public func word(at start: Int) -> UInt64 {
        let bytes = extracting(start..<start &+ 8)
        // The compiler makes one load of these.
        return UInt64(bytes[0]) | UInt64(bytes[1]) << 8 | UInt64(bytes[2]) << 16
            | UInt64(bytes[3]) << 24 | UInt64(bytes[4]) << 32 | UInt64(bytes[5]) << 40
            | UInt64(bytes[6]) << 48 | UInt64(bytes[7]) << 56
    }
}

extension MutableSpan<UInt8> {
    /// Puts the bytes of `word` from `start` on, the lowest first. Traps where there is no room.
    @inlinable @inline(__always)
    public mutating func store(_ word: UInt64, at start: Int) {
        precondition(start >= 0 && count >= 8 && start <= count &- 8, "a word has room")
        // The compiler makes one store of these, where it knows of no other beside it.
        for at in 0..<8 {
            self[start &+ at] = UInt8(truncatingIfNeeded: word &>> UInt64(8 &* at))
        }
    }

    /// Puts all of `bytes` from `start` on. Traps where there is no room.
    @inlinable
    public mutating func store(_ bytes: Span<UInt8>, at start: Int) {
        let count = bytes.count
        guard count >= 8 else {
            for at in bytes.indices { self[start &+ at] = bytes[at] }
            return
        }
        var (rest, at) = (bytes, start)
        while rest.count > 8 {
            store(rest.word(at: 0), at: at)
            rest = rest.extracting(droppingFirst: 8)
            at &+= 8
        }
        // The last word has some bytes of the one before.
        store(bytes.word(at: count &- 8), at: start &+ count &- 8)
    }
}
