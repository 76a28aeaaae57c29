// The members of both bodies: absent, of the wrong type, doubled, too long, and several at once.

import Testing

@Suite struct MemberTests {
    static let required: [(Call, String)] = [
        (.exchange("x"), "auth_code"), (.exchange("x"), "redirect_uri"),
        (.makeCode(), "consent_id"), (.makeCode(), "psu_account_id"),
        (.makeCode(), "redirect_uri"), (.makeCode(), "scope"),
    ]

    static func changed(_ call: Call, _ name: String, to text: String?) -> Call {
        call.target == Call.tokensPath
            ? .exchange("x", [name: text]) : .makeCode([name: text])
    }

    private func expectFault(
        _ call: Call, _ code: String, about name: String? = nil,
        _ here: SourceLocation = #_sourceLocation
    ) throws {
        let server = try ServerProcess.shared()
        let items = try expectErrors(server.answer(to: call), 400, code, on: server, here)
        if let name {
            #expect(items.first?.title.contains(name) == true, "\(items)", sourceLocation: here)
        }
    }

    @Test(arguments: required)
    func requiredMemberIsMissed(call: Call, name: String) throws {
        for text in [nil, "null", #""""#] {
            let changed = Self.changed(call, name, to: text)
            try expectFault(changed, "parameter_missing", about: name)
        }
    }

    static let all = required + [(.exchange("x"), "grant_type"), (.makeCode(), "state")]

    @Test(arguments: all)
    func wrongTypeIsInvalid(call: Call, name: String) throws {
        for text in ["1", "0", "-1.5e3", "true", "false", "[]", "{}", #"["x"]"#, #"{"a":"b"}"#] {
            let changed = Self.changed(call, name, to: text)
            try expectFault(changed, "parameter_invalid", about: name)
        }
    }

    @Test(arguments: all)
    func doubledMemberIsInvalid(call: Call, name: String) throws {
        let usual = [
            "scope": #""accounts""#, "redirect_uri": Call.json(Sandbox.redirectURI),
            "grant_type": #""authorization_code""#,
        ]
        let value = usual[name] ?? #""x""#
        let escaped = "\\u00" + String(name.utf8.first ?? 0, radix: 16) + name.dropFirst()
        for second in [value, #""other""#] {
            for secondName in [name, escaped] {
                let text = "\(value),\"\(secondName)\":\(second)"
                let changed = Self.changed(call, name, to: text)
                try expectFault(changed, "parameter_invalid", about: name)
            }
        }
    }

    @Test(arguments: [
        "", "Authorization_code", "authorization_code ", "password", "refresh_token", "x",
        "client-credentials", "implicit", "authorization_code\u{0}",
    ])
    func otherGrantTypesAreUnsupported(name: String) throws {
        try expectFault(.exchange("x", ["grant_type": Call.json(name)]), "grant_type_unsupported")
    }

    @Test func nullGrantTypeIsTheDefault() throws {
        let server = try ServerProcess.shared()
        let call = Call.exchange(try server.newCode(), ["grant_type": "null"])
        try expectToken(server.answer(to: call))
    }

    @Test(arguments: ["consent_id", "psu_account_id"])
    func lengthsCountUnicodeScalars(name: String) throws {
        let server = try ServerProcess.shared()
        let short = ["a", " ", "\u{0}", "😀", String(repeating: "a", count: 128)]
        let wide = ["é", "😀", "\u{10FFFF}"].map { String(repeating: $0, count: 128) }
        let decomposed = String(repeating: "e\u{301}", count: 64)
        for text in short + wide + [decomposed] {
            try expectCode(server.answer(to: .makeCode([name: Call.json(text)])))
        }
        for (unit, count) in [("a", 129), ("😀", 129), ("e\u{301}", 65)] {
            let text = Call.json(String(repeating: unit, count: count))
            try expectFault(.makeCode([name: text]), "parameter_invalid", about: name)
        }
        let pairs = #"\ud83d\ude00"#
        for (count, status) in [(128, 201), (129, 400)] {
            let text = "\"" + String(repeating: pairs, count: count) + "\""
            #expect(try server.answer(to: .makeCode([name: text])).status == status)
        }
    }

    @Test(arguments: [
        "Accounts", "ACCOUNTS", "accounts payments", "accounts ", " accounts", "account", "funds",
        "accounts\u{0}", "openid", "paymentsaccounts",
    ])
    func otherScopesAreInvalid(scope: String) throws {
        try expectFault(.makeCode(["scope": Call.json(scope)]), "parameter_invalid", about: "scope")
    }

    @Test(arguments: [("s", 1025), ("é", 513), ("😀", 257), ("\u{0}", 1025), ("s", 60_000)])
    func stateIsAtMost1024Bytes(unit: String, count: Int) throws {
        let text = Call.json(String(repeating: unit, count: count))
        try expectFault(.makeCode(["state": text]), "parameter_invalid", about: "state")
    }

    static let badURIs = [
        "www.google.com", "/callback", "//www.google.com", "?a=b", "callback", ":", "://x",
        "https://www.google.com#x", "https://www.google.com#", "https://www.google.com/a#b#c",
        "#https://www.google.com", "1http://www.google.com", "-a:b", "ht tp://www.google.com",
        "https://www.google.com/a b", " https://www.google.com", "https://www.google.com\n",
        "https://www.google.com/\u{0}", "https://www.google.com/é", "https://www.google.com/😀",
        "https://www.google.com/%zz", "https://www.google.com/%4", "https://www.google.com/\\",
        "https://www.google.com/<>", "https://www.google.com/\"", "hé://www.google.com",
        "https://" + String(repeating: "a", count: 2_041),
        "https://www.google.com/" + String(repeating: "a", count: 60_000),
    ]

    @Test(arguments: badURIs)
    func redirectURIIsAbsoluteWithoutFragment(uri: String) throws {
        let call = Call.makeCode(["redirect_uri": Call.json(uri)])
        try expectFault(call, "parameter_invalid", about: "redirect_uri")
    }

    static let unregisteredURIs = [
        "https://www.google.com/", "HTTPS://www.google.com", "https://WWW.google.com",
        "http://www.google.com", "https://www.google.co", "https://www.google.com:443",
        "https://www.google.com?", "https://www.google.com/%7e?a=b&c=%C3%A9", "urn:example:a",
        "com.example.app:/callback", "https://user@www.google.com", "https://[::1]:8443/cb",
        "https://" + String(repeating: "a", count: 2_040),
    ]

    @Test(arguments: unregisteredURIs)
    func otherRedirectURIsAreUnregistered(uri: String) throws {
        let server = try ServerProcess.shared()
        let response = try server.answer(to: .makeCode(["redirect_uri": Call.json(uri)]))
        try expectErrors(response, 403, "redirect_uri_unregistered", on: server)
    }

    @Test func escapedRedirectURIIsTheSame() throws {
        let server = try ServerProcess.shared()
        let uri = #""https:\/\/www\u002egoogle.com""#
        let code = try expectCode(server.answer(to: .makeCode(["redirect_uri": uri])))
        try expectToken(server.answer(to: .exchange(code, ["redirect_uri": uri])))
    }

    @Test func allBodyFaultsAreReportedAtOnce() throws {
        let server = try ServerProcess.shared()
        let call = Call.makeCode([
            "consent_id": nil, "psu_account_id": "1", "redirect_uri": #""x""#, "scope": #""x""#,
            "state": "[]",
        ])
        let items = try expectErrors(
            server.answer(to: call), 400, "parameter_missing", "parameter_invalid",
            "parameter_invalid", "parameter_invalid", "parameter_invalid", on: server)
        let names = ["consent_id", "psu_account_id", "redirect_uri", "scope", "state"]
        for name in names {
            #expect(items.count { $0.title.contains(name) } == 1, "\(name)")
        }
    }

    static let mixed: [(String, [String])] = [
        ("{}", ["parameter_missing", "parameter_missing"]),
        (#"{"auth_code":1}"#, ["parameter_invalid", "parameter_missing"]),
        (#"{"grant_type":"x"}"#, ["grant_type_unsupported"]),
        (#"{"grant_type":"x","auth_code":1}"#, ["grant_type_unsupported", "parameter_invalid"]),
        (
            #"{"redirect_uri":[],"auth_code":1,"grant_type":"x"}"#,
            ["grant_type_unsupported", "parameter_invalid", "parameter_invalid"]
        ),
        (#"{"grant_type":1,"auth_code":1}"#, ["parameter_invalid", "parameter_invalid"]),
        (
            #"{"auth_code":"a","auth_code":"b","redirect_uri":""}"#,
            ["parameter_invalid", "parameter_missing"]
        ),
    ]

    @Test(arguments: mixed)
    func faultsOfTokensAreReportedAtOnce(body: String, codes: [String]) throws {
        let server = try ServerProcess.shared()
        let response = try server.answer(to: .tokens(body))
        expectCommonHeaders(response)
        try expectErrorBody(response, 400, codes, on: server)
    }
}
