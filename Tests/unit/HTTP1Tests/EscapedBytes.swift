// Bytes as a person writes them in the conformance corpus: visible ASCII, escapes, repeats.

/// What is wrong with a line of the corpus.
struct CorpusError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Reads the bytes of one line, as Tests/corpora/conformance/README.md describes them.
struct EscapedBytes {
    private let text: [UInt8]
    private var at = 0

    static func read(_ text: Substring) throws(CorpusError) -> [UInt8] {
        var reader = EscapedBytes(text: Array(text.utf8))
        var bytes: [UInt8] = []
        while reader.at < reader.text.count { bytes += try reader.readItem() }
        return bytes
    }

    private init(text: [UInt8]) {
        self.text = text
    }

    private mutating func readItem() throws(CorpusError) -> [UInt8] {
        if text[at] == UInt8(ascii: "{") { return try readRepeat() }
        return [try readByte()]
    }

    private mutating func readByte() throws(CorpusError) -> UInt8 {
        let byte = text[at]
        at += 1
        guard byte >= 0x20, byte < 0x7F else {
            throw CorpusError("a byte that is not visible ASCII; write \\xNN")
        }
        guard byte == UInt8(ascii: "\\") else { return byte }
        guard at < text.count else { throw CorpusError("a backslash at the end") }
        let escape = text[at]
        at += 1
        switch escape {
        case UInt8(ascii: "r"): return 0x0D
        case UInt8(ascii: "n"): return 0x0A
        case UInt8(ascii: "t"): return 0x09
        case UInt8(ascii: "\\"), UInt8(ascii: "{"): return escape
        case UInt8(ascii: "x"):
            let digits = String(decoding: text[at..<min(at + 2, text.count)], as: UTF8.self)
            guard digits.utf8.count == 2, let value = UInt8(digits, radix: 16), digits.first != "+"
            else { throw CorpusError("\\x without two hexadecimal digits") }
            at += 2
            return value
        default: throw CorpusError("an unknown escape")
        }
    }

    /// `{unit*count}`; the last asterisk counts.
    private mutating func readRepeat() throws(CorpusError) -> [UInt8] {
        guard let end = text[at...].firstIndex(of: UInt8(ascii: "}")),
            let star = text[at..<end].lastIndex(of: UInt8(ascii: "*"))
        else { throw CorpusError("a repeat that is not {bytes*count}") }
        let digits = String(decoding: text[(star + 1)..<end], as: UTF8.self)
        guard let count = Int(digits), (1...100_000).contains(count) else {
            throw CorpusError("a repeat count that is not a number from 1 to 100000")
        }
        var unit: [UInt8] = []
        at += 1
        while at < star {
            guard text[at] != UInt8(ascii: "{") else { throw CorpusError("a repeat in a repeat") }
            unit.append(try readByte())
        }
        guard at == star, !unit.isEmpty else { throw CorpusError("a repeat of nothing") }
        at = end + 1
        return Array([[UInt8]](repeating: unit, count: count).joined())
    }
}
