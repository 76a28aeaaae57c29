// Texts put into a span one behind the other. Who puts them has made room before: so there is one
// check of the bounds for each word, and none of an array's.

/// A text of at most 24 bytes, kept as three words: putting it costs three stores, whatever its length.
public struct ShortText: Sendable {
    public static let lengthMax = 24

    /// In bytes.
    public let count: Int
    // Eight bytes each, the first in the lowest place; 0 where there are no bytes.
    @usableFromInline let first, second, third: UInt64

    public init(_ text: String) { self.init(Array(text.utf8)[...]) }

    init(_ bytes: ArraySlice<UInt8>) {
        precondition(bytes.count <= ShortText.lengthMax, "longer texts need more words")
        func word(_ start: Int) -> UInt64 {
            bytes.dropFirst(start).prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        count = bytes.count
        (first, second, third) = (word(0), word(8), word(16))
    }

    /// A longer one in parts, which are put one behind the other.
    public static func parts(_ text: String) -> [ShortText] {
        let bytes = Array(text.utf8)
        return stride(from: 0, to: bytes.count, by: lengthMax).map { start in
            ShortText(bytes[start..<min(start + lengthMax, bytes.count)])
        }
    }
}

/// Each moves `place` behind what it puts there, and traps where there is no room.
extension MutableSpan<UInt8> {
    @inlinable @inline(__always)
    public mutating func put(_ byte: UInt8, at place: inout Int) {
        self[place] = byte
        place &+= 1
    }

    /// There must be room for a text of the greatest length: what is behind this one is overwritten.
    @inlinable @inline(__always)
    public mutating func put(_ text: ShortText, at place: inout Int) {
        store(text.first, at: place)
        store(text.second, at: place &+ 8)
        store(text.third, at: place &+ 16)
        place &+= text.count
    }

    /// Each of them; there must be room for another behind the last.
    @inlinable @inline(__always)
    public mutating func put(_ parts: [ShortText], at place: inout Int) {
        let parts = parts.span
        for index in parts.indices { put(parts[index], at: &place) }
    }

    @inlinable @inline(__always)
    public mutating func put(_ bytes: Span<UInt8>, at place: inout Int) {
        store(bytes, at: place)
        place &+= bytes.count
    }

    /// A number in decimal digits.
    @inlinable
    public mutating func put(decimal number: UInt64, at place: inout Int) {
        var (count, rest) = (1, number)
        while rest >= 10 {
            rest /= 10
            count &+= 1
        }
        putDigits(number, width: count, at: &place)
    }

    /// The last decimal digits of a number, with zeros in front where it has fewer.
    @inlinable @inline(__always)
    public mutating func putDigits(_ number: UInt64, width: Int, at place: inout Int) {
        var (rest, at) = (number, place &+ width)
        while at > place {
            at &-= 1
            self[at] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        place &+= width
    }
}

extension JSONWriter {
    /// How many bytes the content of a string takes at most, for each of its own: `\u0001`.
    public static let growth = 6

    /// Puts the content of a string, which has its quotes from elsewhere.
    @inlinable
    public static func putContent(
        _ text: Span<UInt8>, in output: inout MutableSpan<UInt8>, at place: inout Int
    ) {
        if isPlain(text) { return output.put(text, at: &place) }
        putEscaped(text, in: &output, at: &place)
    }

    @usableFromInline
    static func putEscaped(
        _ text: Span<UInt8>, in output: inout MutableSpan<UInt8>, at place: inout Int
    ) {
        var escaped: [UInt8] = []
        for at in text.indices { appendEscaped(text[at], to: &escaped) }
        output.put(escaped.span, at: &place)
    }
}
