// Production mode, continued: codes, what they are bound to, and the redirect URIs they are made for.

import Foundation
import Testing

extension ProductionTests {
    @Test func codeBecomesATokenOnceAndAReplayKillsIt() throws {
        let stage = try stage
        let made = try stage.process.answer(to: stage.bank.makeCode(["state": #""s 1""#]))
        let code = try expectCode(made, state: "s 1", redirectURI: stage.bank.redirectURI)
        let response = try stage.process.answer(to: stage.bank.exchange(code))
        try expectToken(response, state: "s 1")
        let token = try #require(try response.data()["access_token"] as? String)
        #expect(token != Sandbox.ccgToken)
        let live = try stage.process.answer(to: stage.bank.introspect(token)).json()
        #expect(live["active"] as? Bool == true)
        #expect(live["client_id"] as? String == ProductionServer.provider)
        #expect(live["scope"] as? String == "accounts")
        #expect(live["sub"] as? String == "account-1")
        #expect(live["consent_id"] as? String == "consent-1")
        #expect(live["token_type"] as? String == "bearer")
        // Another institution's client learns nothing of it.
        #expect(try !stage.other.isActive(token))
        #expect(try !stage.shared.isActive(token))
        try expectErrors(
            stage.process.answer(to: stage.bank.exchange(code)), 403, "auth_code_invalid",
            on: stage.process)
        #expect(try !stage.bank.isActive(token))
    }

    @Test func clientIDNamesTheProviderOfTheCode() throws {
        let stage = try stage
        let token = try stage.otherProvider.newToken(["scope": #""payments""#])
        let live = try stage.process.answer(to: stage.bank.introspect(token)).json()
        #expect(live["client_id"] as? String == ProductionServer.otherProvider)
        #expect(live["scope"] as? String == "payments")
    }

    /// Whatever does not fit, the answer is the same, and the code stays good.
    @Test func codeIsGoodOnlyForWhatItWasMadeFor() throws {
        let stage = try stage
        let code = try stage.bank.newCode()
        let otherURI = ["redirect_uri": Call.json(ProductionServer.otherRedirectURI)]
        let strangeURI = ["redirect_uri": Call.json(ProductionServer.redirectURI + "/")]
        let attempts = [
            stage.otherProvider.exchange(code), stage.other.exchange(code),
            stage.bank.exchange(code, otherURI), stage.bank.exchange(code, strangeURI),
            stage.shared.exchange(code), stage.bank.exchange(code.uppercased()),
            stage.bank.exchange(String(repeating: "0", count: 32)),
        ]
        var texts: Set<String> = []
        for attempt in attempts {
            let response = try stage.process.answer(to: attempt)
            try expectErrors(response, 403, "auth_code_invalid", on: stage.process)
            texts.insert(response.textWithoutIdentifiers)
        }
        #expect(texts.count == 1, "the reason is not told: \(texts)")
        _ = try stage.bank.token(for: code)
    }

    /// A replay by the same institution revokes, whatever provider or redirect URI it names; one
    /// by another institution does not.
    @Test func onlyTheSameInstitutionsReplayRevokes() throws {
        let stage = try stage
        for isSame in [false, true] {
            let code = try stage.bank.newCode()
            let token = try stage.bank.token(for: code)
            let replay = isSame ? stage.otherProvider.exchange(code) : stage.other.exchange(code)
            try expectErrors(
                stage.process.answer(to: replay), 403, "auth_code_invalid", on: stage.process)
            #expect(try stage.bank.isActive(token) == !isSame)
        }
    }

    static let unregistered = [
        "https://www.google.com", "https://one.example/callback/", "https://one.example/Callback",
        "https://one.example/callback?", "https://one.example/callback%2F",
        "https://ONE.example/callback", "https://one.example:443/callback",
    ]

    @Test(arguments: unregistered)
    func redirectURIsAreComparedByteForByte(uri: String) throws {
        let stage = try stage
        let call = stage.bank.makeCode(["redirect_uri": Call.json(uri)])
        try expectErrors(
            stage.process.answer(to: call), 403, "redirect_uri_unregistered", on: stage.process)
    }

    @Test func redirectURIOfAnotherProviderIsUnregistered() throws {
        let stage = try stage
        let uri = ["redirect_uri": Call.json(ProductionServer.otherRedirectURI)]
        try expectErrors(
            stage.process.answer(to: stage.otherProvider.makeCode(uri)), 403,
            "redirect_uri_unregistered", on: stage.process)
        var bank = stage.bank
        bank.redirectURI = ProductionServer.otherRedirectURI
        _ = try bank.newToken()
    }

    /// The best of two redemptions at a time, over a store that answers later.
    @Test func codeIsSpentOnceAcrossConnections() throws {
        let stage = try stage
        let code = try stage.bank.newCode()
        let connections = try (0..<8).map { _ in try stage.process.connect() }
        for connection in connections { try connection.send(stage.bank.exchange(code).bytes) }
        let statuses = try connections.map { try $0.readResponse().status }
        #expect(statuses.count { $0 == 201 } == 1)
        #expect(statuses.count { $0 == 403 } == 7)
    }
}
