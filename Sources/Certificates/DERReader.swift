// A strict reader of DER (ITU-T X.690) for the one extension that OpenSSL does not know. Pure.

/// Reads values one behind the other. Nothing that is read is copied.
struct DERReader {
    /// The first byte of a value: its class, its form and its number.
    enum Tag {
        static let objectIdentifier: UInt8 = 0x06
        static let sequence: UInt8 = 0x30
    }

    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    var isAtEnd: Bool { rest.isEmpty }

    /// The content of the next value.
    ///
    /// - Returns: nil where there is none, or it has another tag, or its length is not as DER writes it.
    mutating func read(_ tag: UInt8) -> ArraySlice<UInt8>? {
        guard rest.first == tag else { return nil }
        rest = rest.dropFirst()
        guard let length = readLength(), length <= rest.count else { return nil }
        defer { rest = rest.dropFirst(length) }
        return rest.prefix(length)
    }

    /// X.690 §10.1: as short as can be, never indefinite. What is longer than 64 KiB nobody has read.
    private mutating func readLength() -> Int? {
        guard let first = rest.popFirst() else { return nil }
        if first < 0x80 { return Int(first) }
        let count = Int(first & 0x7F)
        guard (1...2).contains(count), rest.count >= count else { return nil }
        let length = rest.prefix(count).reduce(0) { $0 << 8 | Int($1) }
        rest = rest.dropFirst(count)
        return length >= (count == 1 ? 0x80 : 0x100) ? length : nil
    }
}
