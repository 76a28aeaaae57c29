// obie-tokens psp set: what a provider's authority says counts at the code, at the exchange and at every look
// at a token, for as long as it says so.

import Foundation
import Testing

@Suite struct ProviderStatusTests {
    private static let all = "accounts,payments,fundsconfirmations"

    /// The title, which says which of the two it is.
    private func refusal(
        _ response: HTTPResponse, _ bank: Bank, _ here: SourceLocation = #_sourceLocation
    ) throws -> String {
        try expectErrors(response, 403, "psp_not_authorised", on: bank.server, here)
        return try response.errors().first?.title ?? ""
    }

    @Test func withdrawnProviderGetsNothingAndLosesNothing() throws {
        let server = try ProductionServer()
        let (bank, store) = (server.bank, server.store)
        let code = try bank.newCode()
        let token = try bank.newToken()
        let set = try store.command("psp", "set", bank.provider, "--status", "withdrawn")
        #expect(set.errors.contains(StoreUnderTest.inForce))
        // On connections of both loops, old and new.
        for _ in 0..<8 {
            let title = try refusal(bank.server.answer(to: bank.exchange(code)), bank)
            #expect(title.contains("withdrawn"))
            #expect(try refusal(bank.server.answer(to: bank.makeCode()), bank) == title)
            #expect(try !bank.isActive(token))
        }
        try store.command("psp", "set", bank.provider, "--status", "authorised")
        #expect(try bank.isActive(token), "its token is alive again")
        _ = try bank.token(for: code)
        // It is spent now.
        try store.command("psp", "set", bank.provider, "--status", "withdrawn")
        try expectErrors(
            bank.server.answer(to: bank.exchange(code)), 403, "auth_code_invalid", on: bank.server)
    }

    /// Whoever brings a used code again may have stolen it, whatever the authority says.
    @Test func replayRevokesThoughTheProviderIsWithdrawn() throws {
        let server = try ProductionServer()
        let (bank, store) = (server.bank, server.store)
        let code = try bank.newCode()
        let token = try bank.token(for: code)
        try store.command("psp", "set", bank.provider, "--status", "withdrawn")
        try expectErrors(
            bank.server.answer(to: bank.exchange(code)), 403, "auth_code_invalid", on: bank.server)
        try store.command("psp", "set", bank.provider, "--status", "authorised")
        #expect(try !bank.isActive(token))
    }

    @Test func scopeNeedsItsService() throws {
        let server = try ProductionServer()
        let (bank, store) = (server.bank, server.store)
        let scopes = ["accounts", "payments", "fundsconfirmations"]
        var tokens: [String: String] = [:]
        var codes: [String: String] = [:]
        for scope in scopes {
            codes[scope] = try bank.newCode(["scope": Call.json(scope)])
            tokens[scope] = try bank.newToken(["scope": Call.json(scope)])
        }
        for allowed in scopes {
            try store.command("psp", "set", bank.provider, "--services", allowed)
            for scope in scopes {
                #expect(try bank.isActive(tokens[scope] ?? "") == (scope == allowed))
                guard scope != allowed else { continue }
                let made = bank.makeCode(["scope": Call.json(scope)])
                #expect(try refusal(bank.server.answer(to: made), bank).contains(scope))
                let code = try #require(codes[scope])
                let title = try refusal(bank.server.answer(to: bank.exchange(code)), bank)
                #expect(title.contains(scope), "\(title)")
            }
            _ = try bank.newToken(["scope": Call.json(allowed)])
        }
        try store.command("psp", "set", bank.provider, "--services", Self.all)
        for scope in scopes { _ = try bank.token(for: try #require(codes[scope])) }
    }

    @Test func ccgAnswerWarns() throws {
        let server = try ProductionServer()
        let (bank, store) = (server.bank, server.store)
        let call = bank.clientCredentials(psp: Call.json(bank.provider))
        for (arguments, word) in [
            (["--status", "withdrawn"], "withdrawn"),
            (["--status", "authorised", "--services", "none"], "none of the services"),
            (["--services", "payments"], nil), (["--services", "all"], nil),
        ] {
            let outcome = try store.run(["psp", "set", bank.provider] + arguments)
            #expect(outcome.status == 0, "\(outcome.errors)")
            let answer = try bank.server.answer(to: call)
            #expect(answer.status == 201)
            let warning = try answer.data()["warning"] as? String
            #expect((warning != nil) == (word != nil))
            if let word { #expect(warning?.contains(word) == true) }
        }
    }

    @Test func wrongAttemptLearnsNothingOfTheProvider() throws {
        let server = try ProductionServer()
        let (bank, store) = (server.bank, server.store)
        let code = try bank.newCode()
        try store.command("psp", "set", bank.provider, "--status", "withdrawn")
        for call in [
            bank.exchange("x"),
            bank.exchange(code, ["redirect_uri": Call.json(ProductionServer.otherRedirectURI)]),
        ] {
            try expectErrors(
                bank.server.answer(to: call), 403, "auth_code_invalid", on: bank.server)
        }
    }

    @Test func auditLogAndMetricsSayWhy() throws {
        let server = try ProductionServer()
        let (bank, store) = (server.bank, server.store)
        let code = try bank.newCode()
        try store.command("psp", "set", bank.provider, "--services", "payments")
        let refused = try bank.server.answer(to: bank.exchange(code))
        let id = try #require(try refused.errors().first?.id)
        let found = try ChildProcess.run(
            ChildProcess.binary.path, ["audit", "find", id, "\(store.folder)/store.db.audit"])
        #expect(found.output.contains("not authorised for account information"), "\(found.output)")
        #expect(found.output.contains("psp_not_authorised") && found.output.contains(bank.provider))
        let log = try String(contentsOfFile: "\(store.folder)/store.db.audit", encoding: .utf8)
        #expect(log.contains(#""reason":"accounts_not_authorised""#))
        #expect(log.contains("provider \(bank.provider) set: services payments"))
    }

    @Test func addTakesTheSameAndShowTellsIt() throws {
        let store = try ProductionStore()
        let added = try store.command(
            "psp", "add", "psp-1", "--status", "withdrawn", "--services", "accounts,payments",
            "--name", "Ärmel & Söhne", "--json"
        ).json()
        #expect(added["status"] as? String == "withdrawn")
        #expect(added["services"] as? [String] == ["accounts", "payments"])
        try store.command("psp", "add", "psp-2")
        let shown = try store.command("psp", "show", "psp-1", "--json").json()
        #expect(shown["name"] as? String == "Ärmel & Söhne")
        #expect(try store.command("psp", "show", "psp-1").output.contains("withdrawn"))
        let withdrawn = try store.command("psp", "list", "--status", "withdrawn", "--json")
        #expect(try withdrawn.jsonList().map { $0["provider"] as? String } == ["psp-1"])
        let rest = try store.command("psp", "list", "--status", "authorised", "--json").jsonList()
        #expect(rest.map { $0["provider"] as? String } == ["psp-2"])
        #expect(
            rest.first?["services"] as? [String] == Self.all.split(separator: ",").map(String.init))
        #expect(rest.first?["name"] is NSNull)
        try store.command("psp", "set", "psp-1", "--name", "")
        #expect(try store.command("psp", "show", "psp-1", "--json").json()["name"] is NSNull)
    }

    @Test(arguments: [
        ["psp", "set", "psp"], ["psp", "set", "psp", "--status", "gone"],
        ["psp", "set", "psp", "--services", "account"], ["psp", "set", "psp", "--services", ""],
        ["psp", "set", "psp", "--services", "accounts,"], ["psp", "list", "--status", "x"],
        ["psp", "add", "new", "--status", "x"],
    ])
    func whatIsNoStatusOrServiceIsAUsageError(arguments: [String]) throws {
        let outcome = try ProductionStore().run(arguments)
        #expect(outcome.status == 64, "\(outcome.errors)")
    }

    /// What an older version took goes on working; `psp show` says so.
    @Test func oldRedirectURIWorksAndIsWarnedOf() throws {
        let store = try ProductionStore()
        try store.command(
            "psp", "add", "psp", "--redirect-uri", "http://a.example/", "--allow-http")
        let shown = try store.run("psp", "show", "psp")
        #expect(shown.status == 0)
        #expect(shown.errors.contains("warning: the redirect URI http://a.example/"))
        let refused = try store.run("psp", "add-redirect-uri", "psp", "http://b.example/")
        #expect(refused.status == 65)
        #expect(refused.errors.contains("--allow-http"))
        try store.command("psp", "add-redirect-uri", "psp", "http://127.0.0.1:7777/cb")
    }
}
