// A line read back. Only lines of our own making are read, so this is no general JSON reader.

/// The members of a line.
struct AuditLine {
    /// In order; texts as they stand between the quotes, still escaped.
    private(set) var members: [(name: String, value: String)] = []
    private(set) var errors: [(id: String, code: String)] = []

    /// Reads a line without its end, or nothing where it is none of an audit log.
    init?(_ line: ArraySlice<UInt8>) {
        var reader = Reader(rest: line)
        guard reader.skip("{") else { return nil }
        repeat {
            guard let name = reader.string(), reader.skip(":") else { return nil }
            if reader.skip("[") {
                repeat {
                    guard reader.skip(#"{"id":"#), let id = reader.string(),
                        reader.skip(#","code":"#), let code = reader.string(), reader.skip("}")
                    else { return nil }
                    errors.append((id, code))
                } while reader.skip(",")
                guard reader.skip("]") else { return nil }
            } else {
                guard let value = reader.string() ?? reader.number() else { return nil }
                members.append((name, value))
            }
        } while reader.skip(",")
        guard reader.skip("}"), reader.rest.isEmpty else { return nil }
    }

    subscript(_ name: String) -> String? {
        members.first { $0.name == name }?.value
    }

    private struct Reader {
        var rest: ArraySlice<UInt8>

        mutating func skip(_ text: String) -> Bool {
            guard rest.starts(with: text.utf8) else { return false }
            rest = rest.dropFirst(text.utf8.count)
            return true
        }

        mutating func string() -> String? {
            guard rest.first == UInt8(ascii: "\"") else { return nil }
            var end = rest.startIndex + 1
            while end < rest.endIndex, rest[end] != UInt8(ascii: "\"") {
                end += rest[end] == UInt8(ascii: "\\") ? 2 : 1
            }
            guard end < rest.endIndex else { return nil }
            let text = String(decoding: rest[(rest.startIndex + 1)..<end], as: UTF8.self)
            rest = rest[(end + 1)...]
            return text
        }

        mutating func number() -> String? {
            let digits = rest.prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
            guard !digits.isEmpty else { return nil }
            rest = rest[digits.endIndex...]
            return String(decoding: digits, as: UTF8.self)
        }
    }
}
