// A short text that somebody looks for, made ready to be compared by the word.

/// A text of 1 to 32 bytes. Comparing it costs a few instructions, whatever its length.
public struct KnownText: Sendable {
    /// In bytes.
    public let count: Int
    // Eight bytes each, and which of their bits count; 0 where there are no bytes.
    @usableFromInline let first: KnownWord
    @usableFromInline let second: KnownWord
    @usableFromInline let third: KnownWord
    @usableFromInline let fourth: KnownWord

    /// - Parameter ignoringCase: of ASCII letters; the text is then given in lower case.
    public init(_ text: String, ignoringCase: Bool = false) {
        let bytes = Array(text.utf8)
        precondition((1...32).contains(bytes.count), "longer texts need other comparisons")
        count = bytes.count
        first = KnownWord(bytes[...], ignoringCase)
        second = KnownWord(bytes.dropFirst(8), ignoringCase)
        third = KnownWord(bytes.dropFirst(16), ignoringCase)
        fourth = KnownWord(bytes.dropFirst(24), ignoringCase)
    }

    /// True where the `length` bytes from `start` on are the text.
    @inlinable @inline(__always)
    public func matches(_ bytes: Span<UInt8>, at start: Int, length: Int) -> Bool {
        guard length == count else { return false }
        guard start &+ 32 <= bytes.count else { return matchesNearTheEnd(bytes, at: start) }
        // One check of the bounds for all words.
        let window = bytes.extracting(start..<start &+ 32)
        var difference = first.difference(window.word(at: 0))
        if count > 8 { difference |= second.difference(window.word(at: 8)) }
        if count > 16 { difference |= third.difference(window.word(at: 16)) }
        if count > 24 { difference |= fourth.difference(window.word(at: 24)) }
        return difference == 0
    }

    /// True where the bytes in `range` are the text.
    @inlinable @inline(__always)
    public func matches(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        matches(bytes, at: range.lowerBound, length: range.count)
    }

    /// True where the text stands at `start`, whatever is behind it.
    @inlinable @inline(__always)
    public func begins(_ bytes: Span<UInt8>, at start: Int) -> Bool {
        start &+ count <= bytes.count && matches(bytes, at: start, length: count)
    }

    /// The same as `matches` where fewer than 32 bytes follow.
    @usableFromInline
    func matchesNearTheEnd(_ bytes: Span<UInt8>, at start: Int) -> Bool {
        var words: InlineArray<4, UInt64> = [0, 0, 0, 0]
        for offset in 0..<count {
            words[offset / 8] |= UInt64(bytes[start + offset]) << UInt64(8 * (offset % 8))
        }
        return first.difference(words[0]) | second.difference(words[1])
            | third.difference(words[2]) | fourth.difference(words[3]) == 0
    }
}

/// Up to eight bytes of a text, the first in the lowest place.
@usableFromInline
struct KnownWord: Sendable {
    @usableFromInline let bits: UInt64
    /// The bits that must be the same.
    @usableFromInline let mask: UInt64

    init(_ bytes: ArraySlice<UInt8>, _ ignoringCase: Bool) {
        var (bits, mask) = (UInt64(0), UInt64(0))
        for (index, byte) in bytes.prefix(8).enumerated() {
            let isLetter = byte &- UInt8(ascii: "a") < 26
            bits |= UInt64(byte) << UInt64(8 * index)
            // Only the case of a letter may differ.
            mask |= UInt64(isLetter && ignoringCase ? 0xDF : 0xFF) << UInt64(8 * index)
        }
        self.bits = bits & mask
        self.mask = mask
    }

    @inlinable @inline(__always)
    func difference(_ word: UInt64) -> UInt64 { word & mask ^ bits }
}
