// POST /v1/obie/consents/revoke: the customer has withdrawn a consent. When the 200 leaves nothing of
// it is alive, on any loop, now or later; and nobody else is touched.

import Foundation
import Testing

@Suite struct ConsentTests {
    static let path = "/v1/obie/consents/revoke"

    static func call(_ consent: String?) -> Call {
        let members = consent.map { #""consent_id":\#($0)"# } ?? ""
        return Call(posting: "{\(members)}", to: path).removing("ccg_token")
    }

    private func withdraw(
        _ consent: String, _ bank: Bank, on connection: HTTPConnection? = nil,
        _ here: SourceLocation = #_sourceLocation
    ) throws {
        let connection = try connection ?? bank.server.connect()
        try connection.send(bank.dressed(Self.call(Call.json(consent))).bytes)
        let response = try connection.readResponse()
        #expect(response.status == 200, "\(response.text)", sourceLocation: here)
        expectCommonHeaders(response, here)
        #expect(try response.data().count == 1, sourceLocation: here)
        #expect(try response.data()["consent_id"] as? String == consent, sourceLocation: here)
    }

    @Test(arguments: RevocationTests.Stage.allCases)
    func everythingOfTheConsentIsDeadAndNothingElse(stage: RevocationTests.Stage) throws {
        let bank = try stage.bank()
        let consent = "consent é \"\u{1}\" \(UUID().uuidString)"
        let ours = ["consent_id": Call.json(consent)]
        let connections = try (0..<6).map { _ in try bank.server.connect() }
        let (token, unspent) = (try bank.newToken(ours), try bank.newCode(ours))
        let other = ["consent_id": Call.json(consent + " ")]
        let (otherToken, otherCode) = (try bank.newToken(other), try bank.newCode(other))
        for connection in connections { #expect(try bank.isActive(token, on: connection)) }
        try withdraw(consent, bank, on: connections[0])
        for connection in connections {
            #expect(try !bank.isActive(token, on: connection))
            try connection.send(bank.exchange(unspent).bytes)
            try expectErrors(connection.readResponse(), 403, "auth_code_invalid", on: bank.server)
        }
        #expect(try bank.isActive(otherToken) && bank.isActive(bank.token(for: otherCode)))
        #expect(try bank.isCCGTokenGood())
        // Moments are milliseconds: what is made in the same one counts as made before.
        usleep(2000)
        let again = try bank.newToken(ours)
        #expect(try bank.isActive(again), "what is issued afterwards lives")
        #expect(try !bank.isActive(token))
        try withdraw(consent, bank)
        #expect(try !bank.isActive(again))
    }

    @Test(arguments: RevocationTests.Stage.allCases)
    func consentOfNobodyIsAnsweredTheSame(stage: RevocationTests.Stage) throws {
        try withdraw("nobody's consent", stage.bank())
    }

    /// The answer to the first of two pipelined requests is true for the second.
    @Test(arguments: RevocationTests.Stage.allCases)
    func pipelinedRequestsSeeTheRevocation(stage: RevocationTests.Stage) throws {
        let bank = try stage.bank()
        let consent = ["consent_id": Call.json("pipelined")]
        let (token, code) = (try bank.newToken(consent), try bank.newCode(consent))
        let connection = try bank.server.connect()
        let revoke = bank.dressed(Self.call(Call.json("pipelined")))
        try connection.send(revoke.bytes + bank.introspect(token).bytes + bank.exchange(code).bytes)
        #expect(try connection.readResponse().status == 200)
        #expect(try connection.readResponse().text == #"{"active":false}"#)
        #expect(try connection.readResponse().status == 403)
    }

    @Test func anotherInstitutionsConsentOfTheSameIDLives() throws {
        let server = try ProductionServer()
        let other = try server.addBank(ProductionServer.second)
        let (token, others) = (try server.bank.newToken(), try other.newToken())
        try withdraw("consent-1", server.bank)
        #expect(try !server.bank.isActive(token))
        #expect(try other.isActive(others))
        // Nor may one withdraw for the other.
        let call = server.bank.dressed(Self.call(Call.json("consent-1")))
        try expectErrors(
            server.process.answer(to: call.setting("fi_reference_id", ProductionServer.second)),
            403, "fi_forbidden", on: server.process)
        #expect(try other.isActive(others))
    }

    @Test func revocationSurvivesAKill() throws {
        let server = try ProductionServer("--code-lifetime", "600")
        let ours = ["consent_id": Call.json("ours")]
        let (dead, live) = (try server.bank.newToken(ours), try server.bank.newToken())
        let (deadCode, liveCode) = (try server.bank.newCode(ours), try server.bank.newCode())
        try withdraw("ours", server.bank)
        server.process.program.stop(SIGKILL)
        let again = try server.store.serve("--code-lifetime", "600")
        defer { again.program.stop(SIGTERM) }
        var bank = server.bank
        bank.server = again
        #expect(try !bank.isActive(dead))
        #expect(try bank.isActive(live))
        try expectErrors(
            bank.answer(bank.exchange(deadCode)), 403, "auth_code_invalid", on: again)
        _ = try bank.token(for: liveCode)
    }

    /// Many exchanges are under way on every loop.
    @Test func noExchangeCarriesACodePastTheAnswer() throws {
        let server = try ProductionServer("--code-lifetime", "600")
        let bank = server.bank
        let connection = try bank.server.connect()
        for round in 0..<5 {
            let consent = ["consent_id": Call.json("round \(round)")]
            let codes = try (0..<100).map { _ in
                try connection.send(bank.makeCode(consent).bytes)
                return try expectCode(connection.readResponse(), redirectURI: bank.redirectURI)
            }
            let others = try (0..<10).map { _ in try bank.server.connect() }
            let exchanges = zip(0..., codes).map { (others[$0 % 10], bank.exchange($1).bytes) }
            for (other, exchange) in exchanges.prefix(50) { try other.send(exchange) }
            try connection.send(bank.dressed(Self.call(Call.json("round \(round)"))).bytes)
            for (other, exchange) in exchanges.suffix(50) { try other.send(exchange) }
            #expect(try connection.readResponse().status == 200)
            for (other, _) in exchanges {
                let response = try other.readResponse()
                guard response.status == 201 else { continue }
                let token = try #require(try response.data()["access_token"] as? String)
                #expect(try !bank.isActive(token, on: connection))
            }
        }
    }

    @Test(arguments: [
        (nil, "parameter_missing"), ("null", "parameter_missing"), (#""""#, "parameter_missing"),
        ("1", "parameter_invalid"), (#"["x"]"#, "parameter_invalid"),
        (#""x","consent_id":"x""#, "parameter_invalid"),
        ("\"" + String(repeating: "é", count: 129) + "\"", "parameter_invalid"),
        ("x", "json_invalid"),
    ])
    func badBodyIsRefused(member: String?, code: String) throws {
        let server = try ServerProcess.shared()
        let items = try expectErrors(
            server.answer(to: Self.call(member)), 400, code, on: server)
        #expect(items.count == 1)
        guard code != "json_invalid" else { return }
        #expect(items[0].title.contains("consent_id"))
    }

    @Test func longestIDAndOtherMembersAreTaken() throws {
        let server = try ServerProcess.shared()
        let longest = Call.json(String(repeating: "é", count: 128))
        for text in [longest, longest + #","reason":{"by":"customer"}"#] {
            #expect(try server.answer(to: Self.call(text)).status == 200)
        }
    }

    @Test func checksStandInTheOrderOfTheContract() throws {
        let server = try ServerProcess.shared()
        let bad = Self.call(nil).setting("fi_reference_id", "unknown-fi").setting("version", "2")
            .setting("Authorization", "Basic eDp5")
        let doubled = bad.adding("Authorization", "Basic eDp5")
        try expectErrors(server.answer(to: doubled), 400, "parameter_invalid", on: server)
        try expectErrors(server.answer(to: bad), 401, "authentication_error", on: server)
        let known = bad.setting("Authorization", Sandbox.authorization)
        try expectErrors(server.answer(to: known), 400, "version_unsupported", on: server)
        let right = known.setting("version", "1.7")
        try expectErrors(server.answer(to: right), 403, "fi_forbidden", on: server)
        let allowed = right.setting("fi_reference_id", Sandbox.institution)
        try expectErrors(server.answer(to: allowed), 400, "parameter_missing", on: server)
        let method = try server.answer(to: Self.call(#""x""#).with(method: "GET"))
        try expectErrors(method, 405, "method_not_allowed", on: server)
        #expect(method.values("Allow") == ["POST, OPTIONS"])
    }

    @Test func revocationIsCountedAndInTheAuditLog() throws {
        let server = try ProductionServer()
        try withdraw("counted", server.bank)
        let page = try MetricsTests.Page(server.process)
        #expect(try page.value("obie_tokens_consents_revoked_total") == 1)
        let log = "\(server.store.folder)/store.db.audit"
        var lines: [Substring] = []
        for _ in 0..<500 where lines.isEmpty {
            usleep(10_000)
            lines = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
                .filter { $0.contains("consent_revoked") }
        }
        #expect(lines.count == 1)
        for text in [#""counted""#, ProductionServer.first, server.bank.clientID] {
            #expect(lines.first?.contains(text) == true, "\(lines)")
        }
    }
}
