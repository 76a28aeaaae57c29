// What is disabled, removed and unknown looks alike from outside, and is three things in the audit log.

import Foundation
import Testing

@Suite struct HiddenEntryTests {
    /// The refusals in the audit log.
    private struct Refusals {
        let log: String

        private func lines() throws -> [[String: Any]] {
            try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").compactMap {
                try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
            }.filter { $0["event"] as? String == "refused" }
        }

        /// The one that the body brings about.
        func expect(
            _ reason: String, _ names: [String: String], _ here: SourceLocation = #_sourceLocation,
            body: () throws -> Void
        ) throws {
            let before = try lines().count
            try body()
            for _ in 0..<500 where try lines().count == before { usleep(10_000) }
            let all = try lines()
            try #require(all.count == before + 1, sourceLocation: here)
            #expect(all[before]["reason"] as? String == reason, sourceLocation: here)
            for (member, name) in names {
                #expect(all[before][member] as? String == name, sourceLocation: here)
            }
        }
    }

    @Test func institutionIsDisabledRemovedOrUnknown() throws {
        let server = try ProductionServer()
        let refusals = Refusals(log: "\(server.store.folder)/store.db.audit")
        // The client acts for two, so that it is still there when one is removed.
        var second = try server.addBank(ProductionServer.second, client: ProductionServer.first)
        second.secret = server.bank.secret
        func refuse(_ institution: String) throws {
            let call = second.makeCode().setting("fi_reference_id", institution)
            try expectErrors(
                server.process.answer(to: call), 403, "fi_forbidden", on: server.process)
        }
        let name = ["fi": ProductionServer.second]
        try server.store.command("fi", "disable", ProductionServer.second)
        try refusals.expect("institution_disabled", name) { try refuse(ProductionServer.second) }
        try server.store.command("fi", "remove", ProductionServer.second, "--yes")
        try refusals.expect("institution_removed", name) { try refuse(ProductionServer.second) }
        try refusals.expect("institution_unknown", [:]) { try refuse("PSDGB-FCA-999999") }
        // Another client's is none of these.
        _ = try server.addBank("PSDGB-FCA-100003")
        try refusals.expect("institution_forbidden", [:]) { try refuse("PSDGB-FCA-100003") }
        // Registered again it is another one.
        _ = try server.addBank(ProductionServer.second, client: ProductionServer.first)
        try expectErrors(
            server.process.answer(to: second.makeCode().setting("ccg_token", "x")), 401,
            "ccg_token_invalid", on: server.process)
    }

    @Test func providerIsDisabledRemovedOrUnknown() throws {
        let server = try ProductionServer()
        let bank = server.bank
        let refusals = Refusals(log: "\(server.store.folder)/store.db.audit")
        func refuse() throws {
            try expectErrors(
                bank.answer(bank.makeCode()), 401, "ccg_token_invalid", on: bank.server)
        }
        func grant(_ provider: String) throws {
            try expectErrors(
                bank.answer(bank.clientCredentials(psp: Call.json(provider))), 400,
                "parameter_invalid", on: bank.server)
        }
        let name = ["psp": bank.provider]
        try server.store.command("psp", "disable", bank.provider)
        try refusals.expect("ccg_token_of_disabled_provider", [:]) { try refuse() }
        try refusals.expect("provider_disabled", name) { try grant(bank.provider) }
        try server.store.command("psp", "remove", bank.provider, "--yes")
        try refusals.expect("ccg_token_of_removed_provider", [:]) { try refuse() }
        try refusals.expect("provider_removed", name) { try grant(bank.provider) }
        try refusals.expect("provider_unknown", [:]) { try grant("nobody") }
        // Its name was never registered, so it is not written down: it may be a secret.
        let log = try String(
            contentsOfFile: "\(server.store.folder)/store.db.audit", encoding: .utf8)
        #expect(!log.contains("nobody"))
    }

    /// The line about a token of a disabled institution names it all the same.
    @Test func revocationOfADisabledInstitutionNamesIt() throws {
        let server = try ProductionServer()
        let token = try server.bank.newToken()
        try server.store.command("fi", "disable", ProductionServer.first)
        #expect(try server.bank.answer(server.bank.revoke(token)).status == 200)
        let log = "\(server.store.folder)/store.db.audit"
        var line: Substring?
        for _ in 0..<500 where line == nil {
            usleep(10_000)
            line = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
                .first { $0.contains("token_revoked") }
        }
        #expect(line?.contains(#""fi":"\#(ProductionServer.first)""#) == true)
        #expect(line?.contains(#""psp":"\#(server.bank.provider)""#) == true)
    }
}
