// obie-tokens tokens revoke: what was issued before it is dead with the next request, what is issued
// afterwards lives, and nobody else is touched.

import Foundation
import Testing

@Suite struct KillSwitchTests {
    /// Everything that has been issued to an institution for a provider.
    private struct Issued {
        let bank: Bank
        let code: String
        let token: String
        let consent: String

        init(_ bank: Bank, consent: String = "consent-1") throws {
            self.bank = bank
            self.consent = consent
            let changes = ["consent_id": Call.json(consent)]
            code = try bank.newCode(changes)
            token = try bank.newToken(changes)
        }

        /// The token is dead or alive, and the CCG token too.
        func expect(
            token isActive: Bool, ccgToken isGood: Bool,
            _ here: SourceLocation = #_sourceLocation
        ) throws {
            #expect(try bank.isActive(token) == isActive, sourceLocation: here)
            #expect(try bank.isCCGTokenGood() == isGood, sourceLocation: here)
        }

        /// The code is worthless even to somebody with a fresh CCG token.
        func expectCodeIsDead(_ here: SourceLocation = #_sourceLocation) throws {
            let fresh = try bank.about(bank.provider, redirectURI: bank.redirectURI)
            try expectErrors(
                fresh.answer(fresh.exchange(code)), 403, "auth_code_invalid", on: bank.server,
                here)
        }

        /// The code is good, once.
        func expectCodeIsGood() throws { _ = try bank.token(for: code) }

        /// What is issued from now on lives.
        func expectNewLife(_ here: SourceLocation = #_sourceLocation) throws {
            let fresh = try bank.about(bank.provider, redirectURI: bank.redirectURI)
            let token = try fresh.newToken(["consent_id": Call.json(consent)])
            #expect(try fresh.isActive(token), sourceLocation: here)
        }
    }

    /// Two institutions, each with two providers.
    private struct Stage {
        let server: ProductionServer
        let first: Bank
        let second: Bank
        let firstOther: Bank

        init() throws {
            server = try ProductionServer()
            first = server.bank
            second = try server.addBank(ProductionServer.second)
            try server.store.command(
                "psp", "add", ProductionServer.otherProvider, "--redirect-uri",
                ProductionServer.redirectURI)
            firstOther = try first.about(
                ProductionServer.otherProvider, redirectURI: ProductionServer.redirectURI)
        }

        func revoke(_ arguments: String...) throws {
            let outcome = try server.store.run(["tokens", "revoke", "--yes"] + arguments)
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.output.isEmpty)
            #expect(outcome.errorLines.count == 1)
            for argument in arguments where !argument.hasPrefix("-") {
                #expect(outcome.errors.contains(argument))
            }
        }
    }

    /// What was issued before is dead, and what is issued from now on is alive; the other one goes on.
    private func expectDeath(of dead: [Issued], not live: Issued) throws {
        for issued in dead {
            try issued.expect(token: false, ccgToken: false)
            try issued.expectCodeIsDead()
            try issued.expectNewLife()
            try issued.expect(token: false, ccgToken: false)
        }
        try live.expect(token: true, ccgToken: true)
        try live.expectCodeIsGood()
    }

    @Test func providersTokensDieWithAllInstitutions() throws {
        let stage = try Stage()
        let dead = [try Issued(stage.first), try Issued(stage.second)]
        let live = try Issued(stage.firstOther)
        try stage.revoke("--psp", ProductionServer.provider)
        try expectDeath(of: dead, not: live)
        let shown = try stage.server.store.command(
            "psp", "show", ProductionServer.provider, "--json")
        #expect(try (shown.json()["revoked_until"] as? String)?.isEmpty == false)
    }

    @Test func institutionsTokensDieWithAllProviders() throws {
        let stage = try Stage()
        let dead = [try Issued(stage.first), try Issued(stage.firstOther)]
        let live = try Issued(stage.second)
        try stage.revoke("--fi", ProductionServer.first)
        try expectDeath(of: dead, not: live)
        let shown = try stage.server.store.command(
            "fi", "show", ProductionServer.first, "--json")
        #expect(try (shown.json()["revoked_until"] as? String)?.isEmpty == false)
    }

    /// CCG tokens are of no consent: they stay.
    @Test func consentsTokensDieAtAllInstitutions() throws {
        let stage = try Stage()
        let consent = "consent é \"1\""
        let dead = [
            try Issued(stage.first, consent: consent),
            try Issued(stage.firstOther, consent: consent),
            try Issued(stage.second, consent: consent),
        ]
        let live = [
            try Issued(stage.first), try Issued(stage.first, consent: consent + " "),
            try Issued(stage.second, consent: "CONSENT É \"1\""),
        ]
        try stage.revoke("--consent", consent)
        for issued in dead {
            try issued.expect(token: false, ccgToken: true)
            try issued.expectCodeIsDead()
            try issued.expectNewLife()
            try issued.expect(token: false, ccgToken: true)
        }
        for issued in live {
            try issued.expect(token: true, ccgToken: true)
            try issued.expectCodeIsGood()
        }
    }

    @Test func consentsTokensDieAtOneInstitution() throws {
        let stage = try Stage()
        let dead = [try Issued(stage.first), try Issued(stage.firstOther)]
        let live = [try Issued(stage.second), try Issued(stage.first, consent: "consent-2")]
        try stage.revoke("--consent", "consent-1", "--fi", ProductionServer.first)
        for issued in dead {
            try issued.expect(token: false, ccgToken: true)
            try issued.expectCodeIsDead()
            try issued.expectNewLife()
        }
        for issued in live {
            try issued.expect(token: true, ccgToken: true)
            try issued.expectCodeIsGood()
        }
    }

    /// A spent code is no way back either, and its replay is refused as ever.
    @Test func replayOfARevokedCodeIsRefused() throws {
        let stage = try Stage()
        let code = try stage.first.newCode()
        let token = try stage.first.token(for: code)
        try stage.revoke("--consent", "consent-1")
        try expectErrors(
            stage.first.answer(stage.first.exchange(code)), 403, "auth_code_invalid",
            on: stage.first.server)
        #expect(try !stage.first.isActive(token))
    }

    /// The second of two revocations does not bring back what the first has taken, nor does a
    /// disabled provider that is enabled.
    @Test func revocationsStay() throws {
        let stage = try Stage()
        let (store, one) = (stage.server.store, try Issued(stage.first))
        try stage.revoke("--psp", ProductionServer.provider)
        let renewed = try stage.first.about(
            ProductionServer.provider, redirectURI: ProductionServer.redirectURI)
        let two = try Issued(renewed)
        try store.command("psp", "disable", ProductionServer.provider)
        try store.command("psp", "enable", ProductionServer.provider)
        try one.expect(token: false, ccgToken: false)
        try two.expect(token: true, ccgToken: true)
        try stage.revoke("--psp", ProductionServer.provider)
        try one.expect(token: false, ccgToken: false)
        try two.expect(token: false, ccgToken: false)
        try two.expectNewLife()
    }

    /// Without a server the command is as good: the next one that starts knows.
    @Test func revocationsCountFromTheNextStartOn() throws {
        let server = try ProductionServer()
        let other = try server.addBank(ProductionServer.second)
        let (one, two) = (try Issued(server.bank), try Issued(other))
        #expect(server.process.program.stop(SIGTERM) == 0)
        try server.store.command("tokens", "revoke", "--fi", ProductionServer.first, "--yes")
        try server.store.command("tokens", "revoke", "--consent", "consent-1", "--yes")
        let again = try server.store.serve()
        defer { again.program.stop(SIGTERM) }
        func moved(_ issued: Issued) throws -> (isActive: Bool, isGood: Bool, status: Int) {
            var bank = issued.bank
            bank.server = again
            let status = try bank.answer(bank.exchange(issued.code)).status
            return (try bank.isActive(issued.token), try bank.isCCGTokenGood(), status)
        }
        #expect(try moved(one) == (false, false, 401))
        #expect(try moved(two) == (false, true, 403))
    }

    /// Who asks on an open connection notices as well.
    @Test func openConnectionsNotice() throws {
        let stage = try Stage()
        let bank = stage.first
        let token = try bank.newToken()
        let connections = try (0..<6).map { _ in try bank.server.connect() }
        for _ in 0..<3 {
            for connection in connections {
                #expect(try bank.isActive(token, on: connection))
                try connection.send(bank.makeCode().bytes)
                #expect(try connection.readResponse().status == 201)
            }
        }
        try stage.revoke("--psp", bank.provider)
        for connection in connections {
            try connection.send(bank.makeCode().bytes)
            try expectErrors(
                connection.readResponse(), 401, "ccg_token_invalid", on: bank.server)
            #expect(try !bank.isActive(token, on: connection))
        }
    }
}
