// Both grants and the making of codes, where everything is right: bodies, headers, lifetimes.

import Testing

@Suite struct GrantTests {
    @Test func clientCredentialsNeedNoCCGToken() throws {
        let response = try ServerProcess.shared().answer(to: .clientCredentials)
        try expectToken(response)
        #expect(try response.data()["access_token"] as? String == "good-access-token")
    }

    @Test func codeIsExchangedForToken() throws {
        let server = try ServerProcess.shared()
        let response = try server.answer(to: .exchange(try server.newCode()))
        try expectToken(response)
        #expect(try response.data()["access_token"] as? String != "good-access-token")
    }

    @Test func grantTypeMayBeSpelledOut() throws {
        let server = try ServerProcess.shared()
        let grantType = ["grant_type": #""authorization_code""#]
        try expectToken(server.answer(to: .exchange(try server.newCode(), grantType)))
    }

    /// 25 characters of 0-9a-z are the fewest that hold 128 bits; `expectCode` checks that.
    @Test func codesAndTokensNeverRepeat() throws {
        let server = try ServerProcess.shared()
        var codes: Set<String> = []
        var tokens: Set<String> = []
        for _ in 0..<100 {
            let code = try server.newCode()
            codes.insert(code)
            let data = try server.answer(to: .exchange(code)).data()
            tokens.insert(try #require(data["access_token"] as? String))
        }
        #expect(codes.count == 100)
        #expect(tokens.count == 100)
    }

    /// With version and variant bits these two places would be a 4 and one of 89ab.
    @Test func tokensHaveNoUUIDBits() throws {
        let server = try ServerProcess.shared()
        var versions: Set<Character> = []
        var variants: Set<Character> = []
        for _ in 0..<60 {
            let data = try server.answer(to: .exchange(try server.newCode())).data()
            let token = Array(try #require(data["access_token"] as? String))
            versions.insert(token[14])
            variants.insert(token[19])
        }
        #expect(versions.count > 4)
        #expect(variants.count > 4)
    }

    @Test(arguments: ["accounts", "payments", "fundsconfirmations"])
    func scopeIsOneOfThree(scope: String) throws {
        let server = try ServerProcess.shared()
        let code = try server.newCode(["scope": Call.json(scope)])
        try expectToken(server.answer(to: .exchange(code)))
    }

    static let states: [String] = [
        "", "example-state", " ", #"quotes " and \ and / and \" and \u0041"#,
        "\u{0}\u{1}\u{8}\u{9}\u{A}\u{C}\u{D}\u{1F}\u{7F}",
        "😀👩‍👩‍👧‍👦 e\u{301} é \u{2028}\u{FFFE}\u{10FFFF}",
        "null", "<script>&amp;%00", String(repeating: "s", count: 1024),
        String(repeating: "é", count: 512), String(repeating: "😀", count: 256),
        String(repeating: "\u{0}", count: 1024),
    ]

    @Test(arguments: states)
    func stateComesBackExactly(state: String) throws {
        let server = try ServerProcess.shared()
        let made = try server.answer(to: .makeCode(["state": Call.json(state)]))
        let code = try expectCode(made, state: state)
        try expectToken(server.answer(to: .exchange(code)), state: state)
    }

    @Test func escapedStateComesBackDecoded() throws {
        let server = try ServerProcess.shared()
        let escaped = #""\u00e9\ud83d\ude00\/\b\f\n\r\t\"\\\u0041""#
        let state = "é😀/\u{8}\u{C}\n\r\t\"\\A"
        let code = try expectCode(server.answer(to: .makeCode(["state": escaped])), state: state)
        try expectToken(server.answer(to: .exchange(code)), state: state)
    }

    @Test func nullStateIsNoState() throws {
        let server = try ServerProcess.shared()
        let code = try expectCode(server.answer(to: .makeCode(["state": "null"])))
        try expectToken(server.answer(to: .exchange(code)))
    }

    @Test func tokensThatNeverExpireHaveNoExpiresIn() throws {
        try ServerProcess.with("--access-token-lifetime", "never") { server in
            let made = try server.answer(to: .makeCode(["state": #""s""#]))
            let code = try expectCode(made, state: "s")
            let response = try server.answer(to: .exchange(code))
            try expectToken(response, expiresIn: nil, state: "s")
            try expectToken(server.answer(to: .clientCredentials), expiresIn: nil)
        }
    }

    @Test(arguments: [1, 3600, 3_155_760_000])
    func expiresInIsTheConfiguredLifetime(seconds: Int) throws {
        try ServerProcess.with("--access-token-lifetime", "\(seconds)") { server in
            let code = try server.newCode()
            try expectToken(server.answer(to: .exchange(code)), expiresIn: seconds)
            try expectToken(server.answer(to: .clientCredentials), expiresIn: seconds)
        }
    }

    @Test func codeExpires() async throws {
        let server = try ServerProcess(["--code-lifetime", "2"])
        defer { server.program.stop(15) }
        let late = try server.newCode()
        try expectToken(server.answer(to: .exchange(try server.newCode())))
        try await Task.sleep(for: .milliseconds(2_100))
        try expectErrors(
            server.answer(to: .exchange(late)), 403, "auth_code_invalid", on: server)
        try expectToken(server.answer(to: .exchange(try server.newCode())))
    }
}
