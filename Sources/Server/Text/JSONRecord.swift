// A strict reader of one flat JSON object (RFC 8259) whose members are texts, lists of texts or null: for
// lines that people and programs write into files. It knows no member by name.

import Bytes

public enum JSONRecord {
    public enum Value: Equatable, Sendable {
        case text(String)
        case texts([String])
        case nothing
    }

    /// What is wrong, as the end of a sentence.
    public struct Problem: Error, Equatable, Sendable, CustomStringConvertible {
        public let description: String

        public init(_ description: String) { self.description = description }
    }

    /// - Parameter line: nothing else stands in it, but for blanks around the object.
    /// - Returns: the members in their order, each name once.
    public static func read(
        _ line: ArraySlice<UInt8>
    ) throws(Problem) -> [(name: String, value: Value)] {
        var reader = RecordReader(line)
        return try reader.object()
    }
}

private struct RecordReader {
    private let bytes: ArraySlice<UInt8>
    private var at: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        at = bytes.startIndex
    }

    private static let notJSON = JSONRecord.Problem(
        "this is not one JSON object in UTF-8 (RFC 8259)")

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        while at < bytes.endIndex, [0x20, 0x09, 0x0D].contains(bytes[at]) { at += 1 }
        guard at < bytes.endIndex, bytes[at] == UInt8(ascii: character) else { return false }
        at += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(JSONRecord.Problem) {
        guard take(character) else { throw RecordReader.notJSON }
    }

    mutating func object() throws(JSONRecord.Problem) -> [(name: String, value: JSONRecord.Value)] {
        var members: [(name: String, value: JSONRecord.Value)] = []
        try expect("{")
        if !take("}") {
            repeat {
                try expect("\"")
                let name = try text()
                try expect(":")
                guard !members.contains(where: { $0.name == name }) else {
                    throw JSONRecord.Problem("\"\(name)\" stands there twice")
                }
                members.append((name, try value(of: name)))
            } while take(",")
            try expect("}")
        }
        // Whatever else is not blank.
        guard !take("\0"), at == bytes.endIndex else { throw RecordReader.notJSON }
        return members
    }

    private mutating func value(of name: String) throws(JSONRecord.Problem) -> JSONRecord.Value {
        if take("\"") { return .text(try text()) }
        if take("[") {
            var texts: [String] = []
            if take("]") { return .texts(texts) }
            repeat {
                guard take("\"") else { throw wrongType(name) }
                texts.append(try text())
            } while take(",")
            try expect("]")
            return .texts(texts)
        }
        if bytes[at...].starts(with: "null".utf8) {
            at += 4
            return .nothing
        }
        throw wrongType(name)
    }

    private func wrongType(_ name: String) -> JSONRecord.Problem {
        JSONRecord.Problem("\"\(name)\" must be a text or a list of texts")
    }

    /// Behind the opening quote, up to and with the closing one.
    private mutating func text() throws(JSONRecord.Problem) -> String {
        let start = at
        while at < bytes.endIndex, bytes[at] != UInt8(ascii: "\""), bytes[at] != UInt8(ascii: "\\"),
            bytes[at] >= 0x20
        {
            at += 1
        }
        guard at < bytes.endIndex else { throw RecordReader.notJSON }
        if bytes[at] == UInt8(ascii: "\"") {
            defer { at += 1 }
            return try string(bytes[start..<at])
        }
        var content = Array(bytes[start..<at])
        while true {
            guard at < bytes.endIndex, bytes[at] >= 0x20 else { throw RecordReader.notJSON }
            let byte = bytes[at]
            at += 1
            switch byte {
            case UInt8(ascii: "\""): return try string(content[...])
            case UInt8(ascii: "\\"): try unescape(into: &content)
            default: content.append(byte)
            }
        }
    }

    private func string(_ content: ArraySlice<UInt8>) throws(JSONRecord.Problem) -> String {
        guard let string = String(validating: content, as: UTF8.self) else {
            throw RecordReader.notJSON
        }
        return string
    }

    /// Behind the backslash.
    private mutating func unescape(into content: inout [UInt8]) throws(JSONRecord.Problem) {
        guard at < bytes.endIndex else { throw RecordReader.notJSON }
        let byte = bytes[at]
        at += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(byte)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "u"):
            var units = [try unit()]
            if UTF16.isLeadSurrogate(units[0]) {
                guard bytes[at...].starts(with: "\\u".utf8) else { throw RecordReader.notJSON }
                at += 2
                units.append(try unit())
            }
            // A lone surrogate is no character.
            guard let character = String(validating: units, as: UTF16.self) else {
                throw RecordReader.notJSON
            }
            content += character.utf8
        default: throw RecordReader.notJSON
        }
    }

    /// Four hexadecimal digits.
    private mutating func unit() throws(JSONRecord.Problem) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard at < bytes.endIndex, let digit = Hexadecimal.value(bytes[at]) else {
                throw RecordReader.notJSON
            }
            unit = unit << 4 | UInt16(digit)
            at += 1
        }
        return unit
    }
}
