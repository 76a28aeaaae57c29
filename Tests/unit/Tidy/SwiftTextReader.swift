// Takes comments and texts out of a source, so that rules about code see code.

/// Reads one source.
struct SwiftTextReader {
    private let bytes: [UInt8]
    private var at = 0
    private(set) var code: [UInt8] = []
    private(set) var texts: [UInt8] = []

    init(_ text: String) { bytes = Array(text.utf8) }

    mutating func read() { readCode(until: nil) }

    private func has(_ text: [UInt8]) -> Bool {
        guard at + text.count <= bytes.count, bytes[at] == text[0] else { return false }
        return text.indices.allSatisfy { bytes[at + $0] == text[$0] }
    }

    /// Up to and with the parenthesis that closes what is put into a text; nil: to the end.
    private mutating func readCode(until close: UInt8?) {
        var depth = 0
        while at < bytes.count {
            let byte = bytes[at]
            switch byte {
            case UInt8(ascii: "/") where has([byte, byte]):
                while at < bytes.count, bytes[at] != UInt8(ascii: "\n") { at += 1 }
                continue
            case UInt8(ascii: "\""), UInt8(ascii: "#"):
                if readText() { continue }
            case UInt8(ascii: "("): depth += 1
            case UInt8(ascii: ")"):
                if depth == 0, close != nil {
                    at += 1
                    return
                }
                depth -= 1
            default: break
            }
            code.append(byte)
            at += 1
        }
    }

    /// A text with its quotes, of one line or several, raw or not. False where none begins here.
    private mutating func readText() -> Bool {
        var hashes = 0
        while at + hashes < bytes.count, bytes[at + hashes] == UInt8(ascii: "#") { hashes += 1 }
        guard at + hashes < bytes.count, bytes[at + hashes] == UInt8(ascii: "\"") else {
            return false
        }
        at += hashes
        let quote = UInt8(ascii: "\"")
        let quotes = has([quote, quote, quote]) ? 3 : 1
        let mark = [UInt8](repeating: UInt8(ascii: "#"), count: hashes)
        let end = [UInt8](repeating: quote, count: quotes) + mark
        let escape = [UInt8(ascii: "\\")] + mark
        at += quotes
        code.append(UInt8(ascii: " "))
        while at < bytes.count, !has(end) {
            if has(escape) {
                at += escape.count
                let isInserted = at < bytes.count && bytes[at] == UInt8(ascii: "(")
                at += 1
                if isInserted {
                    code.append(UInt8(ascii: " "))
                    readCode(until: UInt8(ascii: ")"))
                }
                continue
            }
            if bytes[at] == UInt8(ascii: "\n") { code.append(UInt8(ascii: "\n")) }
            texts.append(bytes[at])
            at += 1
        }
        at += end.count
        texts.append(UInt8(ascii: "\n"))
        code.append(UInt8(ascii: " "))
        return true
    }
}
