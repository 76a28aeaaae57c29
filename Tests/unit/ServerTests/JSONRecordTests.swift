// One line of a file, as one flat object.

import Server
import Testing

@Suite struct JSONRecordTests {
    private static func read(_ text: String) throws -> [String: JSONRecord.Value] {
        let members = try JSONRecord.read(Array(text.utf8)[...])
        return Dictionary(uniqueKeysWithValues: members.map { ($0.name, $0.value) })
    }

    @Test func textsListsAndNullAreRead() throws {
        let found = try Self.read(
            " {\"a\" : \"x\",\t\"b\":[\"y\" , \"z\"],\"c\":[],\"d\":null, \"\":\"\"}\r")
        #expect(
            found == [
                "a": .text("x"), "b": .texts(["y", "z"]), "c": .texts([]), "d": .nothing,
                "": .text(""),
            ])
        #expect(try Self.read("{}").isEmpty)
    }

    @Test func escapesAreUndone() throws {
        let found = try Self.read(#"{"\u0061":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é"}"#)
        #expect(found == ["a": .text("\"\\/\u{8}\u{c}\n\r\té😀é")])
    }

    @Test(arguments: [
        "", "{", "}", "[]", "\"a\"", "{\"a\"}", "{\"a\":}", "{\"a\":\"x\",}", "{\"a\":\"x\"} x",
        "{\"a\":\"x\"}{}", "{a:\"x\"}", "{\"a\":\"x}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12\"}",
        "{\"a\":\"\\ud800\"}", "{\"a\":\"\\udc00\"}", "{\"a\":\"\\ud800\\u0041\"}", "{\"a\":[\"x\"",
        "{\"a\":[\"x\",]}", "{\"a\":\"\u{1}\"}", "{\"a\":\"\\", "{\"a\":nul}", "{\"a\":\"x\"}\0",
        "{\"a\":1}", "{\"a\":true}", "{\"a\":{}}", "{\"a\":[1]}", "{\"a\":[null]}",
        "{\"a\":\"x\",\"a\":\"y\"}",
    ])
    func otherTextIsRefused(text: String) {
        #expect(throws: JSONRecord.Problem.self) { try JSONRecord.read(Array(text.utf8)[...]) }
    }

    @Test func invalidUTF8IsRefused() {
        for bytes in [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xC0, 0x80]] as [[UInt8]] {
            let line = Array("{\"a\":\"".utf8) + bytes + Array("\"}".utf8)
            #expect(throws: JSONRecord.Problem.self) { try JSONRecord.read(line[...]) }
            let escaped = Array("{\"a\":\"\\n".utf8) + bytes + Array("\"}".utf8)
            #expect(throws: JSONRecord.Problem.self) { try JSONRecord.read(escaped[...]) }
        }
    }

    /// Cut anywhere, a line is an error and never a trap.
    @Test func everyPrefixIsRefused() {
        let whole = Array(#"{"a":"\ud83d\ude00","b":["c"],"d":null}"#.utf8)
        for end in whole.indices {
            #expect(throws: JSONRecord.Problem.self) { try JSONRecord.read(whole[..<end]) }
        }
    }
}
