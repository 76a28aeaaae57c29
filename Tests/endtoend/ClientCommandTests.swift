// obie-tokens fi add-client, fi remove-client: a gateway has a secret of its own; and what commands have done
// is found in the audit log by the names of those whom it was done for.

import Foundation
import Testing

@Suite struct ClientCommandTests {
    private static let key = "8f14e45f-ceea-467f-ab6c-0242ac120002"

    private func addClient(
        _ server: ProductionServer, _ id: String, here: SourceLocation = #_sourceLocation
    ) throws -> Bank {
        let added = try server.store.run(
            "fi", "add-client", ProductionServer.first, id, "--json")
        try #require(added.status == 0, "\(added.errors)", sourceLocation: here)
        let record = try added.json()
        #expect(record["client_id"] as? String == id && record["institution"] is String)
        var bank = server.bank
        bank.clientID = id
        bank.secret = try #require(record["client_secret"] as? String, sourceLocation: here)
        return bank
    }

    @Test func secondClientActsForTheSameInstitution() throws {
        let server = try ProductionServer()
        let (bank, store) = (server.bank, server.store)
        let gateway = try addClient(server, "gateway")
        let token = try bank.newToken()
        #expect(try gateway.isActive(token) && bank.isActive(token))
        let shown = try store.command("fi", "show", ProductionServer.first, "--json").json()
        #expect(shown["clients"] as? [String] == [ProductionServer.first, "gateway"])
        // Each has a secret of its own.
        let old = gateway.secret
        let rotated = try store.run(
            "fi", "rotate-secret", ProductionServer.first, "--client", "gateway", "--keep-old", "0",
            "--json")
        #expect(rotated.status == 0)
        var renewed = gateway
        renewed.secret = try #require(try rotated.json()["client_secret"] as? String)
        #expect(try renewed.isActive(token) && bank.isActive(token) && old != renewed.secret)
        #expect(try gateway.answer(gateway.introspect(token)).status == 401)
        let removed = try store.run("fi", "remove-client", ProductionServer.first, "gateway")
        #expect(removed.status == 0, "\(removed.errors)")
        #expect(try renewed.answer(renewed.introspect(token)).status == 401)
        #expect(try bank.isActive(token))
    }

    /// An exchange is repeated by the client that made it, and by no other of its institution.
    @Test func anotherClientRepeatsNothing() throws {
        let server = try ProductionServer()
        let gateway = try addClient(server, "gateway")
        let bank = server.bank
        let code = try bank.newCode()
        func exchange(_ bank: Bank) throws -> HTTPResponse {
            try bank.answer(bank.exchange(code).adding("x-idempotency-key", Self.key))
        }
        let first = try exchange(bank)
        try expectToken(first)
        #expect(try exchange(bank).text == first.text)
        let token = try #require(try first.data()["access_token"] as? String)
        #expect(try gateway.isActive(token))
        try expectErrors(exchange(gateway), 403, "auth_code_invalid", on: bank.server)
        #expect(try !bank.isActive(token), "whoever is another one may be a thief")
        try expectErrors(exchange(bank), 403, "auth_code_invalid", on: bank.server)
    }

    /// The same request once more, though the redirect URI was taken away, and came back as another.
    @Test func repetitionOutlivesItsRedirectURI() throws {
        let server = try ProductionServer()
        let (bank, store) = (server.bank, server.store)
        let (code, unspent) = (try bank.newCode(), try bank.newCode())
        func exchange(_ code: String) throws -> HTTPResponse {
            try bank.answer(bank.exchange(code).adding("x-idempotency-key", Self.key))
        }
        let first = try exchange(code)
        try expectToken(first)
        let token = try #require(try first.data()["access_token"] as? String)
        for command in ["remove-redirect-uri", "add-redirect-uri"] {
            try store.command("psp", command, bank.provider, bank.redirectURI)
            #expect(try exchange(code).text == first.text, "\(command)")
            #expect(try bank.isActive(token))
            try expectErrors(exchange(unspent), 403, "auth_code_invalid", on: bank.server)
        }
    }

    @Test func whatCannotBeDoneIsOneSentence() throws {
        let server = try ProductionServer()
        let store = server.store
        _ = try addClient(server, "gateway")
        for (arguments, words) in [
            (["add-client", "PSDGB-FCA-999999", "x"], "there is no institution"),
            (
                ["add-client", ProductionServer.first, "gateway"],
                "acts for PSDGB-FCA-100001 already"
            ),
            (["add-client", ProductionServer.first, "a:b"], "is no client id"),
            (["remove-client", ProductionServer.first, "nobody"], "no client nobody acts for"),
            (["remove-client", "PSDGB-FCA-999999", "gateway"], "there is no institution"),
        ] {
            let before = try store.registered()
            let outcome = try store.run(["fi"] + arguments)
            #expect(outcome.status == 65 && outcome.errorLines.count == 1, "\(outcome.errors)")
            #expect(outcome.errors.contains(words), "\(outcome.errors)")
            #expect(try store.registered() == before)
        }
        try store.command("fi", "remove-client", ProductionServer.first, ProductionServer.first)
        let last = try store.run("fi", "remove-client", ProductionServer.first, "gateway")
        #expect(last.status == 65 && last.errors.contains("is the only client"), "\(last.errors)")
        // One that is there keeps its secret.
        _ = try store.addInstitution(ProductionServer.second)
        let shared = try store.run("fi", "add-client", ProductionServer.second, "gateway", "--json")
        #expect(try shared.status == 0 && shared.json()["client_secret"] is NSNull)
    }

    @Test func auditFindHasWhatCommandsWrote() throws {
        let store = try ProductionStore()
        let (fi, psp) = (ProductionServer.first, ProductionServer.provider)
        _ = try store.serve().program.stop(SIGTERM)
        for arguments in [
            ["fi", "add", fi], ["fi", "add-client", fi, "gateway"],
            ["fi", "rotate-secret", fi, "--client", "gateway"], ["fi", "disable", fi],
            ["psp", "add", psp, "--redirect-uri", "https://one.example/"],
            ["psp", "set", psp, "--status", "withdrawn"], ["psp", "disable", psp],
            ["psp", "add", psp + "1"], ["fi", "add", fi + "1", "--client", "other"],
            ["tokens", "revoke", "--consent", "consent-1", "--fi", fi, "--yes"],
            ["tokens", "revoke", "--psp", psp, "--yes"], ["fi", "remove-client", fi, "gateway"],
            ["psp", "remove", psp, "--yes"],
        ] {
            let outcome = try store.run(arguments)
            #expect(outcome.status == 0, "\(outcome.errors)")
        }
        func count(_ arguments: String...) throws -> Int {
            let found = try ChildProcess.run(
                ChildProcess.binary.path,
                ["audit", "find", "\(store.folder)/store.db.audit", "--json"] + arguments)
            return found.output.split(separator: "\n").count
        }
        // Each change has begun, and is made.
        #expect(try count("--fi", fi) == 12)
        #expect(try count("--psp", psp) == 10)
        #expect(try count("--client", "gateway") == 6)
        #expect(try count("--client", fi) == 2)
        #expect(try count("--client", "other") == 2)
        #expect(try count("--consent", "consent-1") == 2)
        #expect(try count("--consent", "consent-1", "--fi", fi) == 2)
        #expect(try count("--fi", psp) == 0 && count("--psp", fi) == 0)
    }
}
