// Where the header fields of a request stand.

/// Where one header field stands. Offsets count from the first byte of the request.
public struct Field: Equatable, Sendable {
    @usableFromInline let nameStart: UInt16
    @usableFromInline let nameEnd: UInt16
    @usableFromInline let valueStart: UInt16
    @usableFromInline let valueEnd: UInt16

    /// In bytes.
    @inlinable @inline(__always)
    public var nameLength: Int { Int(nameEnd &- nameStart) }
    @inlinable
    public var name: Range<Int> { Int(nameStart)..<Int(nameEnd) }
    /// Without the white space around it; empty where nothing else was there.
    @inlinable
    public var value: Range<Int> { Int(valueStart)..<Int(valueEnd) }
}

/// The header fields of a request, in their order.
///
/// Not an array that grows with each field: an array asks for each whether it has the only reference,
/// and whether there is room, which took a tenth of all that reading a head takes.
public struct Fields: RandomAccessCollection, Sendable {
    /// More places than most requests have fields. The memory comes with the first request.
    private static let countUsual = 16

    /// As many as there is memory for; the first `count` are in use.
    @usableFromInline var places: [Field] = []
    /// How many there are.
    public internal(set) var count = 0

    @inlinable public var startIndex: Int { 0 }
    @inlinable public var endIndex: Int { count }

    @inlinable @inline(__always)
    public subscript(position: Int) -> Field { places[position] }

    /// Keeps the memory for the next request.
    mutating func removeAll() { count = 0 }

    /// Appends what `lines` finds, up to the end of `bytes`.
    ///
    /// - Returns: true behind the CR of the empty line.
    /// - Throws: `headTooLarge` at the first byte of a field more than the limits allow.
    @inline(__always)
    mutating func parse(
        _ bytes: Span<UInt8>, from position: inout Int, _ lines: inout FieldLines, _ limits: Limits
    ) throws(ProtocolError) -> Bool {
        while true {
            if lines.parse(bytes, from: &position, into: &places, &count) { return true }
            if position == bytes.count { return false }
            let byte = bytes[position]
            guard lines.isStart(byte) else { throw lines.refusal(byte) }
            if count == limits.fieldsMax { throw .headTooLarge }
            grow(limits.fieldsMax)
        }
    }

    private mutating func grow(_ countMax: Int) {
        let wanted = Swift.min(Swift.max(Fields.countUsual, 2 * count), countMax)
        let unused = Field(nameStart: 0, nameEnd: 0, valueStart: 0, valueEnd: 0)
        places.append(contentsOf: repeatElement(unused, count: wanted - count))
    }
}
