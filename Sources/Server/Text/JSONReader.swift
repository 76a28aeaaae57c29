// A strict reader of one JSON object (RFC 8259), for bodies of a few hundred bytes: it checks the
// whole text, keeps the places of the members that are known, and copies nothing.

import Bytes

/// What stands under one member's name.
enum JSONValue: Equatable, Sendable {
    case absent
    /// `null` means the same as absent.
    case null
    case string(JSONString)
    /// Where it stands, with its braces.
    case object(JSONString)
    /// A number, a boolean or an array: no endpoint takes one.
    case other
    case duplicate
}

struct JSONInvalid: Error, Equatable {}

/// The known members of an object, by their position in the list of names.
struct JSONObject {
    static let membersMax = 6
    private(set) var members: InlineArray<6, JSONValue> = .init(repeating: .absent)

    @inline(__always)
    fileprivate mutating func found(_ value: JSONValue, _ index: Int) {
        if case .absent = members[index] {
            members[index] = value
        } else {
            members[index] = .duplicate
        }
    }
}

struct JSONReader {
    /// The object itself is the first level.
    static let nestingMax = 32

    private var at = 0

    /// - Throws: `JSONInvalid` for anything but one JSON object in UTF-8, and for 4 GiB or more.
    static func readObject(
        _ bytes: Span<UInt8>, _ keys: JSONKeys
    ) throws(JSONInvalid) -> JSONObject {
        var reader = JSONReader()
        guard bytes.count <= UInt32.max, reader.take(bytes, behindBlanks: "{") else {
            throw JSONInvalid()
        }
        var object = JSONObject()
        try reader.readMembers(bytes, 1, keys, &object)
        reader.skipBlanks(bytes)
        guard reader.at == bytes.count else { throw JSONInvalid() }
        return object
    }

    /// Behind "{" up to and with "}".
    private mutating func readMembers(
        _ bytes: Span<UInt8>, _ level: Int, _ keys: JSONKeys, _ object: inout JSONObject
    ) throws(JSONInvalid) {
        if take(bytes, behindBlanks: "}") { return }
        while true {
            guard take(bytes, behindBlanks: "\"") else { throw JSONInvalid() }
            let index = try readKey(bytes, keys)
            guard take(bytes, behindBlanks: ":") else { throw JSONInvalid() }
            // Most values are strings.
            let value: JSONValue =
                take(bytes, behindBlanks: "\"")
                ? .string(try readString(bytes)) : try readValue(bytes, level)
            if let index { object.found(value, index) }
            if take(bytes, behindBlanks: "}") { return }
            guard take(bytes, behindBlanks: ",") else { throw JSONInvalid() }
        }
    }

    /// Behind the opening quote up to and with the closing one: which key it is, if any.
    @inline(__always)
    private mutating func readKey(
        _ bytes: Span<UInt8>, _ keys: JSONKeys
    ) throws(JSONInvalid) -> Int? {
        let quoted = keys.quoted.span
        for index in quoted.indices where quoted[index].begins(bytes, at: at) {
            at &+= quoted[index].count
            return index
        }
        return try readOtherKey(bytes, keys)
    }

    /// The same for one that is not known, or has escapes.
    private mutating func readOtherKey(
        _ bytes: Span<UInt8>, _ keys: JSONKeys
    ) throws(JSONInvalid) -> Int? {
        let key = try readString(bytes)
        guard key.hasEscapes else { return nil }
        return key.withContent(bytes) { content in
            keys.names.firstIndex { areEqual($0.utf8Span.span, content) }
        }
    }

    private mutating func readValue(
        _ bytes: Span<UInt8>, _ level: Int
    ) throws(JSONInvalid) -> JSONValue {
        skipBlanks(bytes)
        guard at < bytes.count else { throw JSONInvalid() }
        switch bytes[at] {
        case UInt8(ascii: "\""):
            at += 1
            return .string(try readString(bytes))
        case UInt8(ascii: "{"):
            guard level < JSONReader.nestingMax else { throw JSONInvalid() }
            let start = at
            at += 1
            var ignored = JSONObject()
            try readMembers(bytes, level + 1, .none, &ignored)
            return .object(JSONString(start: start, end: at, hasEscapes: false))
        case UInt8(ascii: "["):
            guard level < JSONReader.nestingMax else { throw JSONInvalid() }
            at += 1
            try readElements(bytes, level + 1)
            return .other
        case UInt8(ascii: "n"):
            try readLiteral(bytes, "null")
            return .null
        case UInt8(ascii: "t"):
            try readLiteral(bytes, "true")
            return .other
        case UInt8(ascii: "f"):
            try readLiteral(bytes, "false")
            return .other
        default:
            try readNumber(bytes)
            return .other
        }
    }

    /// Behind "[" up to and with "]".
    private mutating func readElements(
        _ bytes: Span<UInt8>, _ level: Int
    ) throws(JSONInvalid) {
        skipBlanks(bytes)
        if take(bytes, "]") { return }
        while true {
            _ = try readValue(bytes, level)
            skipBlanks(bytes)
            if take(bytes, "]") { return }
            guard take(bytes, ",") else { throw JSONInvalid() }
        }
    }

    private mutating func readLiteral(
        _ bytes: Span<UInt8>, _ literal: String
    ) throws(JSONInvalid) {
        for byte in literal.utf8 {
            guard at < bytes.count, bytes[at] == byte else { throw JSONInvalid() }
            at += 1
        }
    }

    /// [ minus ] int [ frac ] [ exp ] (RFC 8259 §6).
    private mutating func readNumber(_ bytes: Span<UInt8>) throws(JSONInvalid) {
        _ = take(bytes, "-")
        if !take(bytes, "0") { try readDigits(bytes) }
        if take(bytes, ".") { try readDigits(bytes) }
        if take(bytes, "e") || take(bytes, "E") {
            if !take(bytes, "+") { _ = take(bytes, "-") }
            try readDigits(bytes)
        }
    }

    private mutating func readDigits(_ bytes: Span<UInt8>) throws(JSONInvalid) {
        let start = at
        while at < bytes.count, bytes[at] &- 0x30 < 10 { at += 1 }
        if at == start { throw JSONInvalid() }
    }

    @inline(__always)
    private mutating func take(_ bytes: Span<UInt8>, _ scalar: Unicode.Scalar) -> Bool {
        guard at < bytes.count, bytes[at] == UInt8(ascii: scalar) else { return false }
        at += 1
        return true
    }

    /// The same behind blanks, of which there are mostly none.
    @inline(__always)
    private mutating func take(
        _ bytes: Span<UInt8>, behindBlanks scalar: Unicode.Scalar
    ) -> Bool {
        if take(bytes, scalar) { return true }
        skipBlanks(bytes)
        return take(bytes, scalar)
    }

    /// SP, HTAB, LF, CR (RFC 8259 §2).
    @inline(__always)
    private mutating func skipBlanks(_ bytes: Span<UInt8>) {
        while at < bytes.count {
            switch bytes[at] {
            case 0x20, 0x09, 0x0A, 0x0D: at += 1
            default: return
            }
        }
    }
}

extension JSONReader {
    /// Behind the opening quote up to and with the closing one.
    private mutating func readString(_ bytes: Span<UInt8>) throws(JSONInvalid) -> JSONString {
        let start = at
        var hasEscapes = false
        while true {
            skipPlain(bytes)
            guard at < bytes.count else { throw JSONInvalid() }
            let byte = bytes[at]
            switch byte {
            case UInt8(ascii: "\""):
                at += 1
                return JSONString(start: start, end: at &- 1, hasEscapes: hasEscapes)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                try readEscape(bytes)
            case 0x80...: try readMultibyte(bytes)
            default: throw JSONInvalid()
            }
        }
    }

    /// Passes over the bytes that mean themselves.
    @inline(__always)
    private mutating func skipPlain(_ bytes: Span<UInt8>) {
        var at = at
        while at &+ 8 <= bytes.count {
            let special = TextWords.special(bytes.word(at: at))
            if special != 0 {
                self.at = at &+ special.trailingZeroBitCount &>> 3
                return
            }
            at &+= 8
        }
        while at < bytes.count {
            let byte = bytes[at]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { break }
            guard byte >= 0x20, byte < 0x80 else { break }
            at &+= 1
        }
        self.at = at
    }

    private mutating func readEscape(_ bytes: Span<UInt8>) throws(JSONInvalid) {
        guard at + 1 < bytes.count else { throw JSONInvalid() }
        switch bytes[at + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
            UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            at += 2
        case UInt8(ascii: "u"):
            let unit = try JSONEscapes.codeUnit(bytes, at)
            at += 6
            // A low surrogate alone, or a high one without its partner, is no character.
            if unit >> 10 == 0b110111 { throw JSONInvalid() }
            guard unit >> 10 == 0b110110 else { return }
            guard try JSONEscapes.codeUnit(bytes, at) >> 10 == 0b110111 else { throw JSONInvalid() }
            at += 6
        default: throw JSONInvalid()
        }
    }

    /// One character of two to four bytes (RFC 3629 §4): no overlong form, no surrogate, nothing
    /// above U+10FFFF.
    private mutating func readMultibyte(_ bytes: Span<UInt8>) throws(JSONInvalid) {
        let lead = bytes[at]
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch lead {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        case 0xF1...0xF3: length = 4
        default: throw JSONInvalid()
        }
        guard at + length <= bytes.count, second.contains(bytes[at + 1]) else {
            throw JSONInvalid()
        }
        for index in at + 2..<max(at + 2, at + length) where bytes[index] & 0xC0 != 0x80 {
            throw JSONInvalid()
        }
        at += length
    }
}
