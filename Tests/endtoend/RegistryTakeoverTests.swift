// Commands while a server runs: when a command has returned, the very next request sees its change –
// on new connections, and on those that have proven themselves before, on every loop.

import Foundation
import Testing

@Suite struct RegistryTakeoverTests {
    /// Connections that have all asked the same several times, as a gateway does: what they have
    /// learnt must not outlive the registry that it was learnt from.
    private struct Gateway {
        let bank: Bank
        let connections: [HTTPConnection]

        init(_ bank: Bank) throws {
            self.bank = bank
            connections = try (0..<6).map { _ in try bank.server.connect() }
            for _ in 0..<3 { try expect(bank.exchange("x"), 403, "auth_code_invalid") }
        }

        /// The same request on each of them and on a new one.
        func expect(
            _ call: Call, _ status: Int, _ code: String?, _ here: SourceLocation = #_sourceLocation
        ) throws {
            for connection in try connections + [bank.server.connect()] {
                try connection.send(call.bytes)
                let response = try connection.readResponse()
                #expect(response.status == status, "\(response.text)", sourceLocation: here)
                guard let code else { continue }
                try expectErrors(response, status, code, on: bank.server, here)
            }
        }

        /// The same requests as ever are taken.
        func expectService(_ here: SourceLocation = #_sourceLocation) throws {
            try expect(bank.exchange("x"), 403, "auth_code_invalid", here)
            try expect(bank.makeCode(), 201, nil, here)
            try expect(bank.introspect("x"), 200, nil, here)
        }

        /// Whoever sends this is nobody.
        func expectNobody(_ here: SourceLocation = #_sourceLocation) throws {
            try expect(bank.exchange("x"), 401, "authentication_error", here)
            try expect(bank.makeCode(), 401, "authentication_error", here)
            try expect(bank.introspect("x"), 401, nil, here)
            try expect(bank.revoke("x"), 401, nil, here)
        }

        func expectActive(
            _ token: String, _ isActive: Bool, _ here: SourceLocation = #_sourceLocation
        ) throws {
            for connection in connections {
                #expect(
                    try bank.isActive(token, on: connection) == isActive, sourceLocation: here)
            }
        }
    }

    @Test func addedInstitutionAndProviderAreKnownAtOnce() throws {
        let server = try ProductionServer()
        let gateway = try Gateway(server.bank)
        var bank = try server.addBank(ProductionServer.second)
        try expectCode(bank.answer(bank.makeCode()), redirectURI: bank.redirectURI)
        // A client that is there already, on connections where it has just been refused.
        let call = server.bank.makeCode().setting("fi_reference_id", "PSDGB-FCA-100003")
        try gateway.expect(call, 403, "fi_forbidden")
        _ = try server.store.addInstitution("PSDGB-FCA-100003", client: ProductionServer.first)
        try gateway.expect(call, 401, "ccg_token_invalid")
        let psp = bank.clientCredentials(psp: Call.json("late"))
        try expectErrors(bank.answer(psp), 400, "parameter_invalid", on: bank.server)
        try server.store.command("psp", "add", "late", "--redirect-uri", "app.late:/callback")
        bank = try bank.about("late", redirectURI: "app.late:/callback")
        _ = try bank.newToken()
        try gateway.expectService()
    }

    /// The first institution may be added while a server with an empty registry runs.
    @Test func serverWithNobodyTakesOverTheFirst() throws {
        let store = try ProductionStore()
        let server = try store.serve()
        defer { server.program.stop(SIGTERM) }
        var bank = Bank(server: server)
        try expectErrors(
            server.answer(to: bank.makeCode()), 401, "authentication_error", on: server)
        try store.command("psp", "add", "one", "--redirect-uri", "https://a.example/")
        let (id, secret) = try store.addInstitution("PSDGB-FCA-100001")
        (bank.clientID, bank.secret) = (id, try #require(secret))
        (bank.institution, bank.provider) = ("PSDGB-FCA-100001", "one")
        bank.redirectURI = "https://a.example/"
        try bank.renewCCGToken()
        _ = try bank.newToken()
    }

    @Test func disabledInstitutionIsRefusedUntilItIsEnabled() throws {
        let server = try ProductionServer()
        let bank = server.bank
        let other = try server.addBank(ProductionServer.second)
        let gateway = try Gateway(bank)
        let (code, token) = (try bank.newCode(), try bank.newToken())
        try server.store.command("fi", "disable", ProductionServer.first)
        for call in [bank.exchange(code), bank.makeCode()] {
            try gateway.expect(call, 403, "fi_forbidden")
        }
        try gateway.expect(
            bank.clientCredentials(psp: Call.json(bank.provider)), 403, "fi_forbidden")
        try gateway.expectActive(token, false)
        let shown = try server.store.command("fi", "show", bank.institution, "--json").json()
        #expect(shown["enabled"] as? Bool == false)
        _ = try other.newToken()
        try server.store.command("fi", "enable", ProductionServer.first)
        try gateway.expectService()
        try gateway.expectActive(token, true)
        _ = try bank.token(for: code)
    }

    @Test func disabledProviderIsRefusedUntilItIsEnabled() throws {
        let server = try ProductionServer()
        let bank = server.bank
        let gateway = try Gateway(bank)
        let (code, token) = (try bank.newCode(), try bank.newToken())
        try server.store.command("psp", "disable", bank.provider)
        for call in [bank.exchange(code), bank.makeCode()] {
            try gateway.expect(call, 401, "ccg_token_invalid")
        }
        try gateway.expect(
            bank.clientCredentials(psp: Call.json(bank.provider)), 400, "parameter_invalid")
        try gateway.expectActive(token, false)
        try server.store.command("psp", "enable", bank.provider)
        try gateway.expectService()
        try gateway.expectActive(token, true)
        _ = try bank.token(for: code)
    }

    @Test func rotatedSecretIsVoidAtOnceWhereNothingIsKept() throws {
        let server = try ProductionServer()
        let old = try Gateway(server.bank)
        let token = try server.bank.newToken()
        let new = try rotate(server, keepOld: "0")
        try old.expectNobody()
        try Gateway(new).expectService()
        #expect(try new.isActive(token), "tokens stay")
        #expect(try new.isCCGTokenGood())
    }

    private func rotate(_ server: ProductionServer, keepOld seconds: String) throws -> Bank {
        let outcome = try server.store.command(
            "fi", "rotate-secret", server.bank.institution, "--keep-old", seconds, "--json")
        var bank = server.bank
        bank.secret = try #require(try outcome.json()["client_secret"] as? String)
        return bank
    }

    @Test func oldSecretStopsWhenItsTimeRunsOut() throws {
        let server = try ProductionServer()
        let old = try Gateway(server.bank)
        let begin = Date()
        let new = try Gateway(try rotate(server, keepOld: "3"))
        try old.expectService()
        try new.expectService()
        guard Date().timeIntervalSince(begin) < 2.9 else { return }
        while try old.bank.answer(old.bank.makeCode()).status == 201 {
            #expect(Date().timeIntervalSince(begin) < 6, "it goes on too long")
            guard Date().timeIntervalSince(begin) < 10 else { return }
            usleep(50_000)
        }
        #expect(Date().timeIntervalSince(begin) >= 3, "it has been promised three seconds")
        try old.expectNobody()
        try new.expectService()
    }

    @Test func thirdSecretVoidsTheFirst() throws {
        let server = try ProductionServer()
        let first = try Gateway(server.bank)
        let second = try Gateway(try rotate(server, keepOld: "3600"))
        try first.expectService()
        let third = try Gateway(try rotate(server, keepOld: "3600"))
        try first.expectNobody()
        try second.expectService()
        try third.expectService()
        // A leaked secret is voided by rotating without keeping it.
        let fourth = try Gateway(try rotate(server, keepOld: "0"))
        try second.expectNobody()
        try third.expectNobody()
        try fourth.expectService()
    }

    @Test func removedRedirectURITakesItsCodesWithIt() throws {
        let server = try ProductionServer()
        let bank = server.bank
        let gateway = try Gateway(bank)
        let (code, token) = (try bank.newCode(), try bank.newToken())
        try server.store.command(
            "psp", "remove-redirect-uri", bank.provider, bank.redirectURI)
        try gateway.expect(bank.makeCode(), 403, "redirect_uri_unregistered")
        try gateway.expect(bank.exchange(code), 403, "auth_code_invalid")
        try gateway.expectActive(token, true)
        // Registered again, it is a new one: the codes of before stay refused.
        try server.store.command("psp", "add-redirect-uri", bank.provider, bank.redirectURI)
        try gateway.expect(bank.makeCode(), 201, nil)
        try gateway.expect(bank.exchange(code), 403, "auth_code_invalid")
        _ = try bank.newToken()
        let late = "https://one.example/late"
        let call = bank.makeCode(["redirect_uri": Call.json(late)])
        try gateway.expect(call, 403, "redirect_uri_unregistered")
        try server.store.command("psp", "add-redirect-uri", bank.provider, late)
        try gateway.expect(call, 201, nil)
    }

    /// What is added again is another one: nothing of the old comes back with its name.
    @Test func removedProviderIsGoneForGood() throws {
        let server = try ProductionServer()
        let bank = server.bank
        let gateway = try Gateway(bank)
        let (code, token) = (try bank.newCode(), try bank.newToken())
        func expectDead(_ here: SourceLocation = #_sourceLocation) throws {
            try gateway.expect(bank.makeCode(), 401, "ccg_token_invalid", here)
            try gateway.expect(bank.exchange(code), 401, "ccg_token_invalid", here)
            try gateway.expectActive(token, false, here)
        }
        try server.store.command("psp", "remove", bank.provider, "--yes")
        try expectDead()
        try gateway.expect(
            bank.clientCredentials(psp: Call.json(bank.provider)), 400, "parameter_invalid")
        try server.store.command(
            "psp", "add", bank.provider, "--redirect-uri", bank.redirectURI)
        try expectDead()
        let renewed = try bank.about(bank.provider, redirectURI: bank.redirectURI)
        try gateway.expect(renewed.exchange(code), 403, "auth_code_invalid")
        _ = try renewed.newToken()
        #expect(try !renewed.isActive(token))
    }

    @Test func removedInstitutionIsGoneForGood() throws {
        let server = try ProductionServer()
        let bank = server.bank
        let gateway = try Gateway(bank)
        let (code, token) = (try bank.newCode(), try bank.newToken())
        try server.store.command("fi", "remove", bank.institution, "--yes")
        try gateway.expectNobody()
        var again = try server.addBank(bank.institution)
        #expect(again.secret != bank.secret)
        try gateway.expectNobody()
        #expect(try !again.isActive(token))
        try expectErrors(
            again.answer(again.exchange(code)), 403, "auth_code_invalid", on: bank.server)
        _ = try again.newToken()
        again.ccgToken = bank.ccgToken
        #expect(try !again.isCCGTokenGood())
        // Nor after a restart.
        again.server = try server.restart().server
        #expect(try !again.isCCGTokenGood())
        #expect(try !again.isActive(token))
    }

    /// A client of two institutions that loses one keeps the other, on the same connections.
    @Test func clientKeepsItsOtherInstitution() throws {
        let server = try ProductionServer()
        var second = try server.addBank(ProductionServer.second, client: ProductionServer.first)
        second.secret = server.bank.secret
        try second.renewCCGToken()
        let gateways = (try Gateway(server.bank), try Gateway(second))
        let tokens = (try server.bank.newToken(), try second.newToken())
        try server.store.command("fi", "remove", ProductionServer.second, "--yes")
        try gateways.1.expect(second.makeCode(), 403, "fi_forbidden")
        try gateways.1.expectActive(tokens.1, false)
        try gateways.0.expectService()
        try gateways.0.expectActive(tokens.0, true)
    }

    /// The sandbox's registry can be changed too; its CCG token stands for its own provider.
    @Test func sandboxTakesCommands() throws {
        let store = try ProductionStore()
        let server = try ServerProcess(["--loops", "2"] + store.option)
        defer { server.program.stop(SIGTERM) }
        let (id, secret) = try store.addInstitution("PSDGB-FCA-100001")
        var bank = Bank(server: server, clientID: id, secret: try #require(secret))
        bank.institution = "PSDGB-FCA-100001"
        _ = try bank.newToken()
        let gateway = try Gateway(Bank(server: server))
        try store.command("psp", "disable", "PSDGB-FCA-222222")
        try gateway.expect(gateway.bank.makeCode(), 401, "ccg_token_invalid")
        try store.command("psp", "enable", "PSDGB-FCA-222222")
        try gateway.expectService()
        try store.command("fi", "remove", Sandbox.institution, "--yes")
        try gateway.expectNobody()
        _ = try bank.newToken()
    }
}
