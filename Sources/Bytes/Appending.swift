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
