// JSON, Basic credentials and redirect URIs: what is taken and what is refused.

import Bytes
import Testing
import Tokens

@testable import Server

@Suite struct JSONReaderTests {
    private static let keys = JSONKeys(["a", "b"])

    private static func read(_ bytes: [UInt8]) -> JSONObject? {
        do throws(JSONInvalid) {
            return try JSONReader.readObject(bytes.span, keys)
        } catch {
            return nil
        }
    }

    private static func text(_ json: String) -> String? {
        let bytes = Array(json.utf8)
        guard case .string(let string)? = read(bytes)?.members[0] else { return nil }
        return string.text(bytes.span)
    }

    private static func nested(_ levels: Int) -> String {
        #"{"a":"# + String(repeating: "[", count: levels - 1)
            + String(repeating: "]", count: levels - 1)
            + "}"
    }

    @Test(arguments: [
        "{}", " \t\r\n{ \"a\" : 1 , \"b\" : [ ] } \n", #"{"a":-0.5e+10,"c":[1,2.5,0E-1,{}]}"#,
        #"{"":{"":[true,false,null,""]}}"#, nested(32), #"{"a":"\u0000\"\\\/\b\f\n\r\t"}"#,
    ])
    func objectIsRead(json: String) {
        #expect(Self.read(Array(json.utf8)) != nil)
    }

    @Test(arguments: [
        "", " ", "null", "[]", "\"a\"", "1", "{", "}", "{]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}",
        "{,}",
        "{\"a\":1}{", "{\"a\":1} x", "{a:1}", "{'a':1}", "{\"a\":01}", "{\"a\":1.}", "{\"a\":.5}",
        "{\"a\":+1}", "{\"a\":-}", "{\"a\":1e}", "{\"a\":NaN}", "{\"a\":tru}", "{\"a\":nulll}",
        "{\"a\":[1,]}", "{\"a\":[1 2]}", "{\"a\":\"", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12\"}",
        "{\"a\":\"\\u12G4\"}", "{\"a\":\"\\ud800\"}", "{\"a\":\"\\ud800x\"}", "{\"a\":\"\\udc00\"}",
        "{\"a\":\"\\ud800\\ud800\"}", "{\"a\":\"\n\"}", "{\"a\":\"\u{1F}\"}", "{\"a\":1}\0",
        "\u{FEFF}{}", "// c\n{}", nested(33), "{\"a\":\"\\", "{\"a\":\"\\u", "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
    ])
    func whatIsNoObjectIsRefused(json: String) {
        #expect(Self.read(Array(json.utf8)) == nil)
    }

    /// RFC 3629: overlong forms, surrogates, beyond U+10FFFF, cut short, alone.
    @Test(
        arguments: [
            [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x9F, 0xBF],
            [0xE1, 0x80],
            [0xE1, 0x80, 0x41], [0xED, 0xA0, 0x80], [0xF0, 0x8F, 0xBF, 0xBF],
            [0xF4, 0x90, 0x80, 0x80],
            [0xF1, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF],
        ] as [[UInt8]])
    func invalidUTF8IsRefused(bytes: [UInt8]) {
        #expect(Self.read(Array(#"{"a":""#.utf8) + bytes + Array(#""}"#.utf8)) == nil)
        #expect(Self.read(Array(#"{"a":""#.utf8) + bytes) == nil)
    }

    @Test(arguments: ["é", "€", "😀", "\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}\u{D7FF}\u{E000}"])
    func validUTF8IsTaken(text: String) {
        #expect(Self.text("{\"a\":\"\(text)\"}") == text)
    }

    @Test func escapesAreResolved() {
        #expect(
            Self.text(#"{"a":"\u0041\u00e9\ud83d\ude00\"\\\/\b\f\n\r\t\u0000z"}"#)
                == "A\u{e9}😀\"\\/\u{8}\u{c}\n\r\t\0z")
        #expect(Self.text(#"{"\u0061":"x"}"#) == "x", "a name may be escaped too")
    }

    /// Keys are compared with what is behind them, too: near the end of the text and far from it, before
    /// blanks, and where one known name begins with another.
    @Test(arguments: ["", String(repeating: " ", count: 40)])
    func keysAreFoundWhateverFollows(blanks: String) throws {
        let keys = JSONKeys(["ab", "a", "abcdefghijklmnopqrstuvwxyz01234"])
        func members(_ json: String) throws -> [JSONValue] {
            let bytes = Array((json + blanks).utf8)
            let object = try JSONReader.readObject(bytes.span, keys)
            return (0..<3).map { object.members[$0] }
        }
        #expect(try members(#"{"a":1}"#) == [.absent, .other, .absent])
        #expect(try members(#"{"ab":1}"#) == [.other, .absent, .absent])
        #expect(try members(#"{"\u0061b" :1}"#) == [.other, .absent, .absent])
        #expect(try members(#"{"abc":1,"":1,"A":1,"ab ":1}"#) == [.absent, .absent, .absent])
        #expect(try members(#"{"ab":null,"a\u0062":1}"#) == [.duplicate, .absent, .absent])
        #expect(
            try members(#"{"abcdefghijklmnopqrstuvwxyz01234":null,"a":null}"#)
                == [.absent, .null, .null])
        #expect(
            try members(
                #"{"abcdefghijklmnopqrstuvwxyz012345":1,"abcdefghijklmnopqrstuvwxyz0123":1}"#)
                == [.absent, .absent, .absent])
        #expect(throws: JSONInvalid.self) { try members(#"{"a"#) }
        #expect(throws: JSONInvalid.self) { try members(#"{"a""#) }
    }

    @Test func membersAreToldApart() {
        let object = Self.read(Array(#"{"x":1,"x":2,"b":null,"a":{},"a":"s"}"#.utf8))
        #expect(object?.members[0] == .duplicate)
        #expect(object?.members[1] == .null)
        #expect(Self.read(Array("{}".utf8))?.members[0] == .absent)
        #expect(Self.read(Array(#"{"a":0}"#.utf8))?.members[0] == .other)
        #expect(Self.read(Array(#"{"a":"","a":"","a":""}"#.utf8))?.members[0] == .duplicate)
    }

    /// Every prefix and every one-byte change is read without a trap; a change that is still an
    /// object reads the same when it has been read before.
    @Test func noBytesTrap() {
        let json = Array(#"{"a":"\ud83d\ude00é€😀","b":[1.5e-3,{"c":null}],"d":true}"#.utf8)
        for end in 0..<json.count { #expect(Self.read(Array(json[..<end])) == nil) }
        var accepted = 0
        for index in json.indices {
            for byte in UInt8.min...UInt8.max {
                var changed = json
                changed[index] = byte
                if let object = Self.read(changed) {
                    accepted += 1
                    if case .string(let string) = object.members[0] {
                        #expect(string.text(changed.span).unicodeScalars.count > 0)
                    }
                }
            }
        }
        #expect(accepted > json.count, "the unchanged text is among them each time")
    }
}

@Suite struct JSONThereAndBackTests {
    @Test func everyScalarComesBack() throws {
        var scalars = String.UnicodeScalarView()
        for value in UInt32(0)...0x2FFF {
            if let scalar = Unicode.Scalar(value) { scalars.append(scalar) }
        }
        let text = String(scalars)
        var json = Array(#"{"a":"#.utf8)
        JSONWriter.appendString(text, to: &json)
        json.append(UInt8(ascii: "}"))
        let object = try JSONReader.readObject(json.span, JSONKeys(["a"]))
        guard case .string(let string) = object.members[0] else {
            return #expect(Bool(false), "not a string")
        }
        #expect(string.text(json.span) == text)
    }
}

@Suite struct BasicCredentialsTests {
    private static func read(_ value: String) -> BasicCredentials? {
        let bytes = Array(value.utf8)
        return BasicCredentials(bytes.span, 0..<bytes.count)
    }

    @Test(arguments: [
        "Basic YXBpLWNvbnN1bWVyLWlkOnBhc3N3b3Jk", "bASIC   YXBpLWNvbnN1bWVyLWlkOnBhc3N3b3Jk",
    ])
    func credentialsAreRead(value: String) {
        let credentials = Self.read(value)
        #expect(credentials?.id == "api-consumer-id")
        #expect(credentials?.secret == Array("password".utf8))
        #expect(credentials.map { "\($0)" } == "BasicCredentials(redacted)")
    }

    @Test func firstColonSplits() {
        // "a::b%+é"
        let credentials = Self.read("Basic YTo6YiUrw6k=")
        #expect(credentials?.id == "a")
        #expect(credentials?.secret == Array(":b%+é".utf8))
    }

    @Test(arguments: [
        "", "Basic", "Basic ", "Bearer YTpi", "BasicYTpi", "Basic YTpi YTpi", "Basic YTp",
        "Basic YTpi=",
        "Basic YT=i", "Basic YTpiYg==YTpi", "Basic YTpiYh==", "Basic YTpi\t", "Basic YWI=",
        "Basic YTpi!A==",
        "Basic YQo6Yg==", "Basic YTr/", "Basic ====",
    ])
    func whatIsNoCredentialsIsRefused(value: String) {
        #expect(Self.read(value) == nil)
    }
}

@Suite struct AbsoluteURITests {
    @Test(arguments: [
        "https://www.google.com", "https://a.b/c?d=e&f=%20", "com.example.app:/cb", "urn:x:y",
        "http://[::1]:80/",
    ])
    func absoluteURIIsTaken(text: String) { #expect(AbsoluteURI.isValid(text)) }

    @Test(arguments: [
        "", "https:", "/cb", "//a/b", "www.google.com", "https://a#b", "https://a/ b",
        "https://a/é", "1a:b",
        "a_b:c", ":b", "https://a/%2", "https://a/%zz", "https://a/<", "https://a\\b",
        "https://a/\n",
    ])
    func otherIsRefused(text: String) { #expect(!AbsoluteURI.isValid(text)) }
}
