// All that production does with secrets, done once, and what it had to keep to itself.

import Foundation
import Testing

/// A flow in production with everything in it, and what it had to keep to itself.
struct SecretFlow {
    static let wrongSecret =
        "f00dfeedf00dfeedf00dfeedf00dfeedf00dfeedf00dfeedf00dfeedf00dfeed"

    let server: ProductionServer
    let bank: Bank
    var forbidden = ForbiddenTexts()
    /// Bodies and heads of answers that may not repeat anything.
    var refusals: [(name: String, response: HTTPResponse)] = []
    let code: String
    let spentCode: String
    let token: String
    let revokedToken: String

    init() throws {
        server = try ProductionServer()
        let first = server.bank
        forbidden.add("the first secret", first.secret)
        forbidden.add("the first Authorization", "\(first.clientID):\(first.secret)")
        let rotated = try server.store.command(
            "fi", "rotate-secret", first.institution, "--json", "--keep-old", "3600")
        var bank = first
        bank.secret = try #require(try rotated.json()["client_secret"] as? String)
        bank.ccgToken = try bank.newCCGToken()
        self.bank = bank
        code = try bank.newCode()
        spentCode = try bank.newCode()
        token = try bank.token(for: spentCode)
        revokedToken = try bank.newToken()
        #expect(try bank.answer(bank.revoke(revokedToken)).status == 200)
        forbidden.add("the secret", bank.secret)
        forbidden.add("Authorization", "\(bank.clientID):\(bank.secret)")
        forbidden.add("a CCG token", bank.ccgToken)
        forbidden.add("another CCG token", first.ccgToken)
        forbidden.add("a code", code)
        forbidden.add("a spent code", spentCode)
        forbidden.add("a token", token)
        forbidden.add("a revoked token", revokedToken)
        forbidden.add("a wrong secret", Self.wrongSecret)
    }

    mutating func refuse(_ name: String, _ status: Int, _ call: Call) throws {
        let response = try server.process.answer(to: call)
        #expect(response.status == status, "\(name): \(response.text)")
        refusals.append((name, response))
    }

    mutating func refuse(_ name: String, _ status: Int, raw: String) throws {
        let response = try server.process.answer(toRaw: raw)
        #expect(response.status == status, "\(name): \(response.text)")
        refusals.append((name, response))
    }
}
