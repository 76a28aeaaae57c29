// Borrowed bytes behind those that an array has.

extension [UInt8] {
    /// Appends a part of borrowed bytes. Traps where `range` is not within them.
    @inlinable
    public mutating func append(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        let part = bytes.extracting(range)
        append(addingCapacity: part.count) { output in
            output.append(repeating: 0, count: part.count)
            var copy = output.mutableSpan
            for at in part.indices { copy[at] = part[at] }
        }
    }

    /// Appends the UTF-8 of a text.
    @inlinable
    public mutating func append(text: String) {
        let bytes = text.utf8Span.span
        append(bytes, 0..<bytes.count)
    }

    /// Appends a number in decimal digits.
    @inlinable
    public mutating func append(decimal number: Int64) {
        if number < 0 { append(UInt8(ascii: "-")) }
        var digits = InlineArray<20, UInt8>(repeating: UInt8(ascii: "0"))
        var (rest, start) = (number.magnitude, digits.count)
        repeat {
            start &-= 1
            digits[start] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        } while rest > 0
        append(digits.span, start..<digits.count)
    }

    /// Appends as many bytes as `fill` then puts there.
    @inlinable @inline(__always)
    public mutating func append(count: Int, fill: (inout MutableSpan<UInt8>) -> Void) {
        append(addingCapacity: count) { output in
            output.append(repeating: 0, count: count)
            var text = output.mutableSpan
            fill(&text)
        }
    }
}
