// What is a body: one JSON object by RFC 8259, with the contract's own limits.

import Testing

@Suite struct JSONBodyTests {
    static func nested(_ levels: Int, open: String = "[", close: String = "]") -> String {
        let inner = levels - 1
        return #"{"grant_type":"client_credentials","x":"#
            + String(repeating: open, count: inner) + (open == "[" ? "" : "0")
            + String(repeating: close, count: inner) + "}"
    }

    static let malformed: [String] = [
        "", " ", "null", "true", "1", #""x""#, "[]", "[{}]", #"[{"grant_type":"x"}]"#,
        "{", "}", "{}x", "{} {}", "{},", "{}\u{0}", "\u{0}{}", "{]", "{{}}", "{\"a\"}", "{\"a\":}",
        "{:1}", "{,}", #"{"a":1,}"#, #"{,"a":1}"#, #"{"a":1 "b":2}"#, #"{"a":1,,"b":2}"#,
        #"{"a" 1}"#, #"{"a"::1}"#, "{'a':1}", "{a:1}", #"{"a":'b'}"#, #"{1:1}"#, "{null:1}",
        #"{"a":01}"#, #"{"a":+1}"#, #"{"a":-}"#, #"{"a":.5}"#, #"{"a":1.}"#, #"{"a":1e}"#,
        #"{"a":1e+}"#, #"{"a":0x1}"#, #"{"a":NaN}"#, #"{"a":Infinity}"#, #"{"a":-01}"#,
        #"{"a":--1}"#, #"{"a":1.e1}"#, #"{"a":tru}"#, #"{"a":True}"#, #"{"a":truee}"#,
        #"{"a":nul}"#, #"{"a":undefined}"#, #"{"a":[1,]}"#, #"{"a":[,1]}"#, #"{"a":[1 2]}"#,
        #"{"a":[}"#, #"{"a":[1}"#, #"{"a":{}"#, #"{"a":"b}"#, #"{"a":"\"}"#, #"{"a":"\x"}"#,
        #"{"a":"\u12"}"#, #"{"a":"\u12g4"}"#, #"{"a":"\U0041"}"#, #"{"a":"\'"}"#,
        #"{"a":"\ud800"}"#, #"{"a":"\udc00"}"#, #"{"a":"\ud800x"}"#, #"{"a":"\ud800\n"}"#,
        #"{"a":"\ud800\u0041"}"#, #"{"a":"\ud800\ud800"}"#, #"{"a":"\udc00\ud800"}"#,
        #"{"\ud800":1}"#, #"{"a":["\uDFFF"]}"#, "{\"a\":\"\u{0}\"}", "{\"a\":\"\n\"}",
        "{\"a\":\"\t\"}", "{\"a\":\"\u{1F}\"}", "{\"\n\":1}", "\u{FEFF}{}", "{\u{FEFF}}",
        "{\u{A0}}", "{\u{C}}", "{\u{B}}", "{}//", "{/**/}", "#{}", "{}\u{FEFF}", "grant_type=x",
        nested(33), nested(33, open: #"{"a":"#, close: "}"), nested(1_000),
        String(repeating: "[", count: 65_000), String(repeating: #"{"a":"#, count: 10_000),
    ]

    @Test(arguments: malformed)
    func otherTextsAreNoObject(text: String) throws {
        let server = try ServerProcess.shared()
        for call in [Call.tokens(text), .codes(text)] {
            try expectErrors(server.answer(to: call), 400, "json_invalid", on: server)
        }
    }

    /// Bytes inside the value of an unknown member.
    static let badUTF8: [[UInt8]] = [
        [0x80], [0xFF], [0xFE], [0xC0, 0xAF], [0xC1, 0xBF], [0xC3], [0xC3, 0x28], [0xE2, 0x82],
        [0xE0, 0x80, 0xAF], [0xE0, 0x9F, 0xBF], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF],
        [0xF0, 0x80, 0x80, 0xAF], [0xF0, 0x9F, 0x98], [0xF4, 0x90, 0x80, 0x80],
        [0xF5, 0x80, 0x80, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80], [0xE9],
        [0xED, 0xA0, 0xBD, 0xED, 0xB8, 0x80],
    ]

    @Test(arguments: badUTF8)
    func invalidUTF8IsNoJSON(bytes: [UInt8]) throws {
        let server = try ServerProcess.shared()
        let start = Array(#"{"grant_type":"client_credentials","x":""#.utf8)
        let value = Call.clientCredentials.with(body: start + bytes + Array(#""}"#.utf8))
        try expectErrors(server.answer(to: value), 400, "json_invalid", on: server)
        let name = Call.clientCredentials.with(
            body: start + Array(#"","#.utf8) + Array("\"".utf8)
                + bytes + Array(#"":1}"#.utf8))
        try expectErrors(server.answer(to: name), 400, "json_invalid", on: server)
    }

    @Test func otherEncodingsAreNoJSON() throws {
        let server = try ServerProcess.shared()
        let text = #"{"grant_type":"client_credentials"}"#
        for bytes in [[0xFF, 0xFE] as [UInt8], []] {
            let utf16 = text.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
            let response = try server.answer(to: .clientCredentials.with(body: bytes + utf16))
            try expectErrors(response, 400, "json_invalid", on: server)
        }
    }

    @Test func missingBodyIsNoJSON() throws {
        let server = try ServerProcess.shared()
        var call = Call.clientCredentials
        call.body = nil
        try expectErrors(server.answer(to: call), 400, "json_invalid", on: server)
    }

    static let accepted: [String] = [
        " \t\r\n{ \t\r\n\"grant_type\" \t\r\n: \t\r\n\"client_credentials\" \t\r\n} \t\r\n",
        #"{"\u0067rant\u005Ftype":"client_credentials"}"#,
        #"{"grant_type":"client\u005fcredentials"}"#,
        #"{"grant_type":"client_credentials","x":[1,-0,0.0,1E9,1e-9,1e+9,-1.5e10,1e999999]}"#,
        #"{"grant_type":"client_credentials","x":123456789012345678901234567890}"#,
        #"{"grant_type":"client_credentials","x":"\"\\\/\b\f\n\r\t\u0000\uABcd\ud83d\ude00"}"#,
        #"{"x":{"y":[{},[],[[]],"",null,true,false]},"grant_type":"client_credentials"}"#,
        #"{"x":1,"x":2,"grant_type":"client_credentials","x":{"x":1,"x":1}}"#,
        #"{"x":{"grant_type":1,"grant_type":2},"grant_type":"client_credentials"}"#,
        #"{"":1,"":2,"grant_type":"client_credentials"}"#,
        #"{"Grant_Type":1,"GRANT_TYPE":2,"grant_type":"client_credentials"}"#,
        #"{"grant_type\u0000":1,"grant_type ":2,"grant_type":"client_credentials"}"#,
        #"{"grant_type":"client_credentials","auth_code":null,"redirect_uri":null}"#,
        "{\"grant_type\":\"client_credentials\",\"x\":\"\u{7F}\u{80}\u{2028}\u{FFFF}\u{10FFFF}\"}",
        nested(32), nested(32, open: #"{"a":"#, close: "}"),
        #"{"grant_type":"client_credentials"}"# + String(repeating: " ", count: 65_501),
    ]

    @Test(arguments: accepted)
    func unknownMembersAreIgnored(text: String) throws {
        let call = Call.clientCredentials.with(body: text)
        try expectToken(try ServerProcess.shared().answer(to: call))
    }

    @Test func unknownMembersOfCodesAreIgnored() throws {
        let server = try ServerProcess.shared()
        let extra: [String: String?] = ["auth_code": "[]", "zzz": "{}", "grant_type": "1"]
        let code = try expectCode(server.answer(to: .makeCode(extra)))
        let more: [String: String?] = ["state": "1", "scope": "[]", "consent_id": "null"]
        try expectToken(server.answer(to: .exchange(code, more)))
    }
}
