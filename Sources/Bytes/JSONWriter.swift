// JSON strings as bytes (RFC 8259 §7).

public enum JSONWriter {
    /// Appends `text` with quotes around it; only what must be escaped is.
    public static func appendString(_ text: String, to output: inout [UInt8]) {
        if isPlain(text) { return appendPlainString(text, to: &output) }
        output.append(UInt8(ascii: "\""))
        for byte in text.utf8 { appendEscaped(byte, to: &output) }
        output.append(UInt8(ascii: "\""))
    }

    static func appendEscaped(_ byte: UInt8, to output: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            output.append(UInt8(ascii: "\\"))
            output.append(byte)
        case 0..<0x20:
            appendControl(byte, to: &output)
        default:
            output.append(byte)
        }
    }

    /// True where nothing in `text` must be escaped.
    public static func isPlain(_ text: String) -> Bool { isPlain(text.utf8Span.span) }

    /// The same of its bytes.
    @inlinable
    public static func isPlain(_ bytes: Span<UInt8>) -> Bool {
        var at = 0
        while at &+ 8 <= bytes.count {
            if escaped(bytes.word(at: at)) != 0 { return false }
            at &+= 8
        }
        if at > 0 {
            // The last word has some bytes of the one before.
            return escaped(bytes.word(at: bytes.count &- 8)) == 0
        }
        for index in bytes.indices {
            let byte = bytes[index]
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                return false
            }
        }
        return true
    }

    /// Quotes, backslashes, control characters: what cannot stand for itself. The highest bit of a byte is set
    /// where it is such a one; those of bytes further up than the first may be set for nothing.
    @inlinable @inline(__always)
    public static func escaped(_ word: UInt64) -> UInt64 {
        let ones = Hexadecimal.ones
        // A byte less what is to be found is below zero there, and below 0x80 in all other ASCII.
        let quotes = (word ^ UInt64(UInt8(ascii: "\"")) &* ones) &- ones
        let backslashes = (word ^ UInt64(UInt8(ascii: "\\")) &* ones) &- ones
        let controls = word &- 0x20 &* ones
        return (quotes | backslashes | controls) & ~word & (0x80 &* ones)
    }

    private static func appendPlainString(_ text: String, to output: inout [UInt8]) {
        let bytes = text.utf8Span.span
        output.append(addingCapacity: bytes.count + 2) { output in
            // Quotes everywhere, then the text between two of them.
            output.append(repeating: UInt8(ascii: "\""), count: bytes.count + 2)
            var quoted = output.mutableSpan
            for index in bytes.indices { quoted[index &+ 1] = bytes[index] }
        }
    }

    private static func appendControl(_ byte: UInt8, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: output.append(UInt8(ascii: "b"))
        case 0x09: output.append(UInt8(ascii: "t"))
        case 0x0A: output.append(UInt8(ascii: "n"))
        case 0x0C: output.append(UInt8(ascii: "f"))
        case 0x0D: output.append(UInt8(ascii: "r"))
        default:
            output.append(contentsOf: [UInt8(ascii: "u"), 0x30, 0x30])
            Hexadecimal.append(byte, to: &output)
        }
    }
}
