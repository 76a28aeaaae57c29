// HTTP Basic in all its spellings: which are a client, which are a 401, which are a 400.

import Testing

@Suite struct AuthorizationTests {
    static let good = [
        Sandbox.authorization, Sandbox.authorization.replacing("Basic", with: "basic"),
        Sandbox.authorization.replacing("Basic", with: "BASIC"),
        Sandbox.authorization.replacing("Basic", with: "bAsIc"),
        Sandbox.authorization.replacing(" ", with: "  "),
    ]

    @Test(arguments: good)
    func schemeIsCaseInsensitive(authorization: String) throws {
        let call = Call.clientCredentials.setting("Authorization", authorization)
        try expectToken(try ServerProcess.shared().answer(to: call))
    }

    /// As clients send it that follow RFC 6749 §2.3.1 to the letter: `-` is `%2D` to some of them.
    @Test(arguments: [
        "api%2Dconsumer%2Did:password", "api%2dconsumer-id:password", "api-consumer-id:p%61ssword",
        "%61pi%2Dconsumer%2Did:%70%61%73%73%77%6F%72%64", "api-consumer-id:passwor%64",
    ])
    func formEncodedCredentialsAreTaken(text: String) throws {
        let call = Call.clientCredentials.setting("Authorization", Sandbox.basic(text))
        let connection = try ServerProcess.shared().connect()
        for _ in 0..<2 {
            try connection.send(call.bytes)
            try expectToken(try connection.readResponse())
        }
    }

    static let bad = [
        Sandbox.basic("api%2Dconsumer%2Did:passwor%65"), Sandbox.basic("api%2Dconsumer%2:password"),
        Sandbox.basic("api%252Dconsumer%252Did:password"),
        Sandbox.basic("api+consumer+id:password"),
        Sandbox.basic("api-consumer-id%3Apassword"), Sandbox.basic("api-consumer-id:password%00"),
        Sandbox.basic("api-consumer-id:password%FF"), Sandbox.basic("api-consumer-id:password+"),
        "", "Basic", "Basic ", "Basic !!!!", "Basic =", "Basic ====", "Basic YQ", "Basic YQ==",
        Sandbox.basic(""), Sandbox.basic(":"), Sandbox.basic("api-consumer-id"),
        Sandbox.basic("api-consumer-id:"), Sandbox.basic(":password"),
        Sandbox.basic("api-consumer-id:Password"), Sandbox.basic("api-consumer-id:password "),
        Sandbox.basic("api-consumer-id:passwor"), Sandbox.basic("api-consumer-id:password:"),
        Sandbox.basic("api-consumer-id:password\u{0}"), Sandbox.basic("api-consumer-id:pässword"),
        Sandbox.basic("API-consumer-id:password"), Sandbox.basic("nobody:password"),
        Sandbox.basic("api-consumer-id :password"), Sandbox.basic(" api-consumer-id:password"),
        Sandbox.authorization + "!", Sandbox.authorization + " x",
        "Basic /////w==", "Basic api-consumer-id:password",
        Sandbox.authorization.replacing("Basic ", with: ""),
        Sandbox.authorization.replacing("Basic ", with: "Basic"),
        Sandbox.authorization.replacing("Basic", with: "Bearer"),
        Sandbox.authorization.replacing("Basic", with: "Basics"),
        "Bearer good-access-token", "Digest username=x", "Basic é",
        Sandbox.basic(String(repeating: "a", count: 4_000) + ":password"),
    ]

    @Test(arguments: bad)
    func otherCredentialsAreRefused(authorization: String) throws {
        let server = try ServerProcess.shared()
        for call in [Call.clientCredentials, .makeCode(), .exchange("x")] {
            let response = try server.answer(to: call.setting("Authorization", authorization))
            try expectErrors(response, 401, "authentication_error", on: server)
        }
    }

    @Test func missingAuthorizationIsRefused() throws {
        let server = try ServerProcess.shared()
        for call in [Call.clientCredentials, .makeCode(), .exchange("x")] {
            let response = try server.answer(to: call.removing("Authorization"))
            try expectErrors(response, 401, "authentication_error", on: server)
        }
    }

    /// Unknown client and wrong secret must not be told apart.
    @Test func refusalsDifferOnlyByIdentifier() throws {
        let server = try ServerProcess.shared()
        let credentials = ["nobody:password", "api-consumer-id:wrong"].map(Sandbox.basic)
        let texts = try credentials.map { authorization in
            try server.answer(to: .clientCredentials.setting("Authorization", authorization))
                .textWithoutIdentifiers
        }
        #expect(Set(texts).count == 1)
    }

    static let doubles = [
        [Sandbox.authorization, Sandbox.authorization], [Sandbox.authorization, "Basic x"],
        ["Basic x", Sandbox.authorization], ["", ""], ["Bearer x", "Digest y"],
    ]

    @Test(arguments: doubles)
    func doubledAuthorizationIsInvalid(values: [String]) throws {
        let server = try ServerProcess.shared()
        var call = Call.makeCode().removing("Authorization")
        for value in values { call = call.adding("Authorization", value) }
        let items = try expectErrors(
            server.answer(to: call), 400, "parameter_invalid", on: server)
        #expect(items.first?.title.contains("Authorization") == true)
    }

    @Test(arguments: [
        "psdgb-fca-111111", "PSDGB-FCA-111112", "PSDGB-FCA-222222", "PSDGB-FCA-11111",
    ])
    func otherInstitutionsAreForbidden(institution: String) throws {
        let server = try ServerProcess.shared()
        for call in [Call.clientCredentials, .makeCode(), .exchange("x")] {
            let response = try server.answer(to: call.setting("fi_reference_id", institution))
            try expectErrors(response, 403, "fi_forbidden", on: server)
        }
    }

    static let badCCGTokens = [
        "x", "Good-access-token", "good-access-token2", "good-access-toke", "good access token",
        "Bearer good-access-token", "é", String(repeating: "t", count: 8_000),
        "8c9378f8-e27f-4e0a-a643-d73585d1249f",
    ]

    @Test(arguments: badCCGTokens)
    func otherCCGTokensAreRefused(token: String) throws {
        let server = try ServerProcess.shared()
        for call in [Call.makeCode(), .exchange("x")] {
            let response = try server.answer(to: call.setting("ccg_token", token))
            try expectErrors(response, 401, "ccg_token_invalid", on: server)
        }
    }

    /// Its value is looked at only where it is needed.
    @Test(arguments: badCCGTokens + [""])
    func clientCredentialsIgnoreCCGToken(token: String) throws {
        let call = Call.clientCredentials.setting("ccg_token", token)
        try expectToken(try ServerProcess.shared().answer(to: call))
    }

    @Test func accessTokenIsNoCCGToken() throws {
        let server = try ServerProcess.shared()
        let data = try server.answer(to: .exchange(try server.newCode())).data()
        let token = try #require(data["access_token"] as? String)
        let response = try server.answer(to: .makeCode().setting("ccg_token", token))
        try expectErrors(response, 401, "ccg_token_invalid", on: server)
    }

    /// Who asks is asked anew for every request, also on a connection that has been trusted.
    @Test func everyRequestIsJudgedOnItsOwn() throws {
        let server = try ServerProcess.shared()
        let good = Call.makeCode()
        let rows: [(Call, Int)] = [
            (good, 201), (good.setting("Authorization", Sandbox.basic("nobody:password")), 401),
            (good, 201), (good.removing("Authorization"), 401), (good, 201),
            (good.setting("Authorization", Sandbox.basic("api-consumer-id:passwore")), 401),
            (good.setting("fi_reference_id", "PSDGB-FCA-111112"), 403), (good, 201),
            (good.setting("ccg_token", "good-access-tokem"), 401), (good, 201),
            (good.removing("ccg_token"), 400), (good, 201), (good.removing("version"), 400),
            (good.removing("fi_reference_id"), 400), (good.adding("Authorization", "x"), 400),
        ]
        let connection = try server.connect()
        for _ in 0..<3 {
            for (call, status) in rows + rows.reversed() {
                try connection.send(call.bytes)
                #expect(try connection.readResponse().status == status)
            }
        }
        try connection.send(rows.flatMap { $0.0.bytes })
        for (_, status) in rows {
            #expect(try connection.readResponse().status == status)
        }
    }
}
