// Production mode: nobody is known but whom the operator has registered, and CCG tokens are real.

import Foundation
import Testing

@Suite struct ProductionTests {
    /// One server for all: two institutions with a client each, a client for two more, two
    /// providers with a redirect URI in common.
    struct Stage {
        let server: ProductionServer
        let other: Bank
        let shared: Bank
        let sharedToo: Bank
        /// The first institution, about the other provider.
        let otherProvider: Bank

        var bank: Bank { server.bank }
        var process: ServerProcess { server.process }

        init() throws {
            server = try ProductionServer()
            other = try server.addBank(ProductionServer.second)
            try server.store.command(
                "psp", "add", ProductionServer.otherProvider, "--redirect-uri",
                ProductionServer.redirectURI)
            shared = try server.addBank("PSDGB-FCA-100003", client: "shared.client")
            var too = try server.addBank("PSDGB-FCA-100004", client: shared.clientID)
            #expect(too.secret.isEmpty, "the client has its secret already")
            too.secret = shared.secret
            try too.renewCCGToken()
            sharedToo = too
            otherProvider = try server.bank.about(
                ProductionServer.otherProvider, redirectURI: ProductionServer.redirectURI)
        }
    }

    private static let stage = Result { try Stage() }

    var stage: Stage { get throws { try Self.stage.get() } }

    @Test func wellKnownCredentialsAreRefused() throws {
        let stage = try stage
        #expect(!stage.process.program.errorOutput.lowercased().contains("sandbox"))
        for call in [Call.clientCredentials, .makeCode(), .exchange("x")] {
            for institution in [Sandbox.institution, ProductionServer.first] {
                let response = try stage.process.answer(
                    to: call.setting("fi_reference_id", institution))
                try expectErrors(response, 401, "authentication_error", on: stage.process)
            }
        }
        var stranger = stage.bank
        (stranger.clientID, stranger.secret) = ("api-consumer-id", "password")
        for call in [stranger.introspect("x"), stranger.revoke("x")] {
            #expect(try stage.process.answer(to: call).status == 401)
        }
    }

    @Test func wellKnownCCGTokenIsRefused() throws {
        let stage = try stage
        for call in [stage.bank.makeCode(), stage.bank.exchange("x")] {
            let response = try stage.process.answer(
                to: call.setting("ccg_token", Sandbox.ccgToken))
            try expectErrors(response, 401, "ccg_token_invalid", on: stage.process)
        }
    }

    @Test func secretsAreComparedExactly() throws {
        let stage = try stage
        let secret = stage.bank.secret
        for wrong in ["", secret + "0", String(secret.dropLast()), secret.uppercased(), "x"] {
            var bank = stage.bank
            bank.secret = wrong
            try expectErrors(
                stage.process.answer(to: bank.makeCode()), 401, "authentication_error",
                on: stage.process)
        }
        var other = stage.other
        other.secret = secret
        try expectErrors(
            stage.process.answer(to: other.makeCode()), 401, "authentication_error",
            on: stage.process)
    }

    static let pspIDs: [(member: String, code: String)] = [
        ("", "parameter_missing"), (#","psp_id":null"#, "parameter_missing"),
        (#","psp_id":"""#, "parameter_missing"), (#","psp_id":"PSDGB-FCA-222222""#, ""),
        (#","psp_id":"PSDGB-FCA-20000""#, ""), (#","psp_id":"psdgb-fca-200001""#, ""),
        (#","psp_id":"PSDGB-FCA-200001 ""#, ""), (#","psp_id":"PSDGB-FCA-100001""#, ""),
        (#","psp_id":200001"#, ""), (#","psp_id":["PSDGB-FCA-200001"]"#, ""),
        (#","psp_id":{}"#, ""), (#","psp_id":true"#, ""),
        (#","psp_id":"PSDGB-FCA-200001","psp_id":"PSDGB-FCA-200001""#, ""),
    ]

    @Test(arguments: pspIDs)
    func clientCredentialsNeedAProvider(row: (member: String, code: String)) throws {
        let stage = try stage
        let body = #"{"grant_type":"client_credentials"\#(row.member)}"#
        let response = try stage.process.answer(
            to: stage.bank.dressed(.tokens(body)).removing("ccg_token"))
        let code = row.code.isEmpty ? "parameter_invalid" : row.code
        let items = try expectErrors(response, 400, code, on: stage.process)
        #expect(items.allSatisfy { $0.title.contains("psp_id") })
    }

    @Test func ccgTokensAreRealAndNeverRepeat() throws {
        let stage = try stage
        var tokens: Set<String> = []
        for _ in 0..<20 { tokens.insert(try stage.bank.newCCGToken()) }
        #expect(tokens.count == 20)
        #expect(!tokens.contains(Sandbox.ccgToken))
        // As many as are asked for live side by side, and each again and again.
        for token in tokens {
            var bank = stage.bank
            bank.ccgToken = token
            #expect(try bank.isCCGTokenGood())
        }
        // A ccg_token that is not needed is not looked at.
        let call = stage.bank.clientCredentials(psp: Call.json(ProductionServer.provider))
        for needless in ["x", stage.other.ccgToken, Sandbox.ccgToken] {
            let response = try stage.process.answer(to: call.setting("ccg_token", needless))
            try expectToken(response, expiresIn: 3600)
        }
    }

    @Test func ccgTokenIsGoodForItsInstitutionOnly() throws {
        let stage = try stage
        let foreign = [
            stage.other.ccgToken, stage.shared.ccgToken, stage.sharedToo.ccgToken, "x",
            "00000000-0000-0000-0000-000000000000", stage.bank.ccgToken.uppercased(),
            stage.bank.ccgToken.replacing("-", with: ""), try stage.bank.newCode(),
            try stage.bank.newToken(),
        ]
        for token in foreign {
            for call in [stage.bank.makeCode(), stage.bank.exchange("x")] {
                try expectErrors(
                    stage.process.answer(to: call.setting("ccg_token", token)), 401,
                    "ccg_token_invalid", on: stage.process)
            }
        }
        // Not even where one client acts for both.
        var mixed = stage.shared
        mixed.ccgToken = stage.sharedToo.ccgToken
        try expectErrors(
            stage.process.answer(to: mixed.makeCode()), 401, "ccg_token_invalid",
            on: stage.process)
    }

    @Test func clientActsForTwoInstitutionsAndNoOther() throws {
        let stage = try stage
        let tokens = (try stage.shared.newToken(), try stage.sharedToo.newToken())
        // Introspection asks for no institution: the client sees both.
        #expect(try stage.shared.isActive(tokens.0) && stage.shared.isActive(tokens.1))
        // A code stays with its institution, though the client is the same.
        let code = try stage.shared.newCode()
        try expectErrors(
            stage.process.answer(to: stage.sharedToo.exchange(code)), 403, "auth_code_invalid",
            on: stage.process)
        _ = try stage.shared.token(for: code)
        for institution in [ProductionServer.first, "PSDGB-FCA-999999", Sandbox.institution] {
            let calls = [
                stage.shared.makeCode(), stage.shared.exchange("x"),
                stage.shared.clientCredentials(psp: Call.json(ProductionServer.provider)),
            ]
            for call in calls {
                try expectErrors(
                    stage.process.answer(to: call.setting("fi_reference_id", institution)), 403,
                    "fi_forbidden", on: stage.process)
            }
        }
    }

    /// One connection may serve several clients and institutions, in any order.
    @Test func connectionRemembersNothingOfTheLastClient() throws {
        let stage = try stage
        let connection = try stage.process.connect()
        var stranger = stage.other
        stranger.institution = ProductionServer.first
        for _ in 0..<6 {
            for bank in [stage.bank, stage.bank, stage.other, stage.shared, stage.sharedToo] {
                try connection.send(bank.makeCode().bytes)
                try expectCode(connection.readResponse(), redirectURI: bank.redirectURI)
            }
            try connection.send(stranger.makeCode().bytes)
            try expectErrors(
                connection.readResponse(), 403, "fi_forbidden", on: stage.process)
            try connection.send(stage.bank.makeCode().setting("ccg_token", "x").bytes)
            try expectErrors(
                connection.readResponse(), 401, "ccg_token_invalid", on: stage.process)
        }
    }

    /// Each row undoes the fault that answered in the row before.
    @Test func firstFaultAnswers() throws {
        let stage = try stage
        let bank = stage.bank
        let uri = Call.json("https://unregistered.example")
        let last = bank.makeCode(["redirect_uri": uri])
        let badToken = last.setting("ccg_token", stage.other.ccgToken)
        let badBody = badToken.with(body: bank.makeCode(["scope": nil]).body ?? [])
        let badJSON = badToken.with(body: "{")
        let forbidden = badJSON.setting("fi_reference_id", ProductionServer.second)
        let badHeader = forbidden.setting("version", "2")
        let stranger = badHeader.setting("Authorization", Sandbox.authorization)
        let doubled = stranger.adding("Authorization", bank.authorization)
        let rows: [(Call, Int, String)] = [
            (doubled.with(method: "PUT"), 405, "method_not_allowed"),
            (doubled, 400, "parameter_invalid"), (stranger, 401, "authentication_error"),
            (badHeader, 400, "version_unsupported"), (forbidden, 403, "fi_forbidden"),
            (badJSON, 400, "json_invalid"), (badBody, 400, "parameter_missing"),
            (badToken, 401, "ccg_token_invalid"), (last, 403, "redirect_uri_unregistered"),
        ]
        for (call, status, code) in rows {
            try expectErrors(stage.process.answer(to: call), status, code, on: stage.process)
        }
        // The same on one connection that has proven itself before.
        let connection = try stage.process.connect()
        for (call, status, code) in rows {
            try connection.send(bank.makeCode().bytes)
            try expectCode(connection.readResponse(), redirectURI: bank.redirectURI)
            try connection.send(call.bytes)
            try expectErrors(connection.readResponse(), status, code, on: stage.process)
        }
    }

    @Test func missingCCGTokenIsReportedWithTheOtherHeaders() throws {
        let stage = try stage
        let call = stage.bank.makeCode(["scope": nil]).removing("ccg_token")
            .setting("transaction_reference", "a b")
        let items = try expectErrors(
            stage.process.answer(to: call), 400, "parameter_missing", "parameter_invalid",
            on: stage.process)
        #expect(items.contains { $0.title.contains("ccg_token") })
        #expect(items.contains { $0.title.contains("transaction_reference") })
        let doubled = stage.bank.makeCode().adding("ccg_token", stage.bank.ccgToken)
        try expectErrors(
            stage.process.answer(to: doubled), 400, "parameter_invalid", on: stage.process)
    }

    @Test func restartedServerKnowsEverything() throws {
        let server = try ProductionServer("--access-token-lifetime", "600")
        let spent = try server.bank.newCode(for: 600)
        let fresh = try server.bank.newCode()
        let bank = try server.restart()
        #expect(try bank.isActive(spent.token))
        #expect(try bank.isCCGTokenGood())
        _ = try bank.token(for: fresh)
        _ = try bank.newToken()
        try expectErrors(
            bank.server.answer(to: bank.exchange(spent.code)), 403, "auth_code_invalid",
            on: bank.server)
        #expect(try !bank.isActive(spent.token))
        #expect(!bank.server.program.errorOutput.lowercased().contains("sandbox"))
    }
}

extension Bank {
    /// A spent code and its token, which lives for so many seconds.
    fileprivate func newCode(for seconds: Int) throws -> (code: String, token: String) {
        let code = try newCode()
        let response = try server.answer(to: exchange(code))
        try expectToken(response, expiresIn: seconds)
        return (code, try #require(try response.data()["access_token"] as? String))
    }
}
