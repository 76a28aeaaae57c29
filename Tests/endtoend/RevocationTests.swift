// POST /oauth2/revoke in the words of RFC 7009: what it has answered for is dead everywhere, at once;
// and it says nothing about what it did.

import Foundation
import Testing

@Suite struct RevocationTests {
    enum Stage: String, CaseIterable, Sendable {
        case sandbox, production

        /// Production's server, and a second institution of it.
        fileprivate static let banks = Result {
            let server = try ProductionServer()
            return (server: server, other: try server.addBank(ProductionServer.second))
        }

        func bank() throws -> Bank {
            switch self {
            case .sandbox: try .sandbox()
            case .production: try Stage.banks.get().server.bank
            }
        }
    }

    /// 200 with nothing in it: for whatever token.
    private func expectRevoked(
        _ response: HTTPResponse, _ here: SourceLocation = #_sourceLocation
    ) {
        #expect(response.status == 200, "\(response.text)", sourceLocation: here)
        #expect(response.body.isEmpty, sourceLocation: here)
        #expect(response.values("Content-Length") == ["0"], sourceLocation: here)
        expectUncached(response, here)
        #expect(response.values("WWW-Authenticate").isEmpty, sourceLocation: here)
    }

    private func expectUncached(
        _ response: HTTPResponse, _ here: SourceLocation = #_sourceLocation
    ) {
        #expect(response.values("Cache-Control") == ["no-store"], sourceLocation: here)
        #expect(response.values("Pragma") == ["no-cache"], sourceLocation: here)
        expectDate(response, here)
    }

    /// RFC 6749 §5.2.
    private func expectOAuthError(
        _ response: HTTPResponse, _ status: Int, _ error: String,
        _ here: SourceLocation = #_sourceLocation
    ) throws {
        #expect(response.status == status, "\(response.text)", sourceLocation: here)
        #expect(response["Content-Type"] == "application/json", sourceLocation: here)
        expectUncached(response, here)
        let object = try response.json()
        #expect(Set(object.keys) == ["error", "error_description"], sourceLocation: here)
        #expect(object["error"] as? String == error, sourceLocation: here)
        #expect((object["error_description"] as? String)?.isEmpty == false, sourceLocation: here)
        let challenge = status == 401 ? [#"Basic realm="obie", charset="UTF-8""#] : []
        #expect(response.values("WWW-Authenticate") == challenge, sourceLocation: here)
    }

    /// On every connection, and so on every loop: those that were open before, and a new one.
    @Test(arguments: Stage.allCases)
    func revokedTokenIsDeadEverywhereAtOnce(stage: Stage) throws {
        let bank = try stage.bank()
        let connections = try (0..<8).map { _ in try bank.server.connect() }
        let kept = try bank.newToken()
        for round in 0..<3 {
            let token = try bank.newToken()
            for connection in connections { #expect(try bank.isActive(token, on: connection)) }
            let revoking = connections[round]
            try revoking.send(bank.revoke(token).bytes)
            expectRevoked(try revoking.readResponse())
            for connection in connections { #expect(try !bank.isActive(token, on: connection)) }
            #expect(try !bank.isActive(token))
            // Once more is the same (RFC 7009 §2.2).
            expectRevoked(try bank.answer(bank.revoke(token)))
        }
        #expect(try bank.isActive(kept), "only the one that was named")
    }

    /// The answer to the first of two pipelined requests is true for the second.
    @Test(arguments: Stage.allCases)
    func pipelinedIntrospectionSeesTheRevocation(stage: Stage) throws {
        let bank = try stage.bank()
        let token = try bank.newToken()
        let connection = try bank.server.connect()
        try connection.send(bank.revoke(token).bytes + bank.introspect(token).bytes)
        expectRevoked(try connection.readResponse())
        #expect(try connection.readResponse().text == #"{"active":false}"#)
    }

    static let worthless = [
        "x", "%00", "00000000-0000-0000-0000-000000000000", "a+b", "good-access-token", "%F0%9F",
        "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "ffffffffffffffffffffffffffffffff", "%20",
        String(repeating: "t", count: 4096),
    ]

    @Test(arguments: Stage.allCases, worthless)
    func unknownTokenIsAnsweredTheSame(stage: Stage, token: String) throws {
        let bank = try stage.bank()
        expectRevoked(try bank.answer(bank.revoke(token)))
    }

    /// A token is itself only in its exact form.
    @Test(arguments: Stage.allCases)
    func otherFormsOfATokenRevokeNothing(stage: Stage) throws {
        let bank = try stage.bank()
        // One without a letter is the same in upper case.
        var token = try bank.newToken()
        while token == token.uppercased() { token = try bank.newToken() }
        let forms = [
            token.uppercased(), token.replacing("-", with: ""), token + "+", "+" + token,
            String(token.dropLast()), token + "0",
        ]
        for form in forms { expectRevoked(try bank.answer(bank.revoke(form))) }
        #expect(try bank.isActive(token))
        // Escaped, and with members that say nothing to us, it is the same.
        let escaped = token.utf8.map { "%" + String($0, radix: 16) }.joined()
        let form = "token_type_hint=refresh_token&token=\(escaped)&client_id=x"
        expectRevoked(try bank.answer(bank.revoke(form: form)))
        #expect(try !bank.isActive(token))
    }

    @Test(arguments: Stage.allCases)
    func codeIsNotRevocable(stage: Stage) throws {
        let bank = try stage.bank()
        let code = try bank.newCode()
        expectRevoked(try bank.answer(bank.revoke(code)))
        let token = try bank.token(for: code)
        expectRevoked(try bank.answer(bank.revoke(code)))
        #expect(try bank.isActive(token), "the code is no handle on its token either")
    }

    @Test(arguments: Stage.allCases)
    func ccgTokenIsNotRevocable(stage: Stage) throws {
        let bank = try stage.bank()
        expectRevoked(try bank.answer(bank.revoke(bank.ccgToken)))
        #expect(try bank.isCCGTokenGood())
        #expect(try !bank.isActive(bank.ccgToken), "nor is it introspectable")
        _ = try bank.newToken()
    }

    @Test func anotherInstitutionsTokenStaysAlive() throws {
        let (server, other) = try Stage.banks.get()
        let token = try server.bank.newToken()
        expectRevoked(try other.answer(other.revoke(token)))
        #expect(try server.bank.isActive(token))
        #expect(try !other.isActive(token))
        expectRevoked(try server.bank.answer(server.bank.revoke(token)))
        #expect(try !server.bank.isActive(token))
    }

    /// Replaying the code of a revoked token is refused like any other replay.
    @Test(arguments: Stage.allCases)
    func revocationDoesNotReviveTheCode(stage: Stage) throws {
        let bank = try stage.bank()
        let code = try bank.newCode()
        let token = try bank.token(for: code)
        expectRevoked(try bank.answer(bank.revoke(token)))
        try expectErrors(
            bank.answer(bank.exchange(code)), 403, "auth_code_invalid", on: bank.server)
        #expect(try !bank.isActive(token))
    }

    @Test func revocationSurvivesARestart() throws {
        let server = try ProductionServer()
        let (dead, live) = (try server.bank.newToken(), try server.bank.newToken())
        expectRevoked(try server.bank.answer(server.bank.revoke(dead)))
        // Killed at once after the answer.
        server.process.program.stop(SIGKILL)
        let again = try server.store.serve()
        defer { again.program.stop(SIGTERM) }
        var bank = server.bank
        bank.server = again
        #expect(try !bank.isActive(dead))
        #expect(try bank.isActive(live))
    }

    static let badForms = [
        "", "token", "token=", "tok=en", "Token=a", "token=a&token=b", "token=a&token=a",
        "token=a&%74oken=b", "token=%zz", "token=%1", "&&&",
    ]

    @Test(arguments: Stage.allCases, badForms)
    func badFormIsInvalidRequest(stage: Stage, form: String) throws {
        let bank = try stage.bank()
        try expectOAuthError(bank.answer(bank.revoke(form: form)), 400, "invalid_request")
    }

    /// Of two tokens neither is revoked.
    @Test(arguments: Stage.allCases)
    func doubledTokenRevokesNothing(stage: Stage) throws {
        let bank = try stage.bank()
        let (one, two) = (try bank.newToken(), try bank.newToken())
        let form = "token=\(one)&token=\(two)"
        try expectOAuthError(bank.answer(bank.revoke(form: form)), 400, "invalid_request")
        #expect(try bank.isActive(one) && bank.isActive(two))
    }

    @Test(arguments: [
        nil, "", "application/json", "text/plain", "multipart/form-data",
        "application/x-www-form-urlencodedx",
    ])
    func otherContentTypeIsInvalidRequest(type: String?) throws {
        for stage in Stage.allCases {
            let bank = try stage.bank()
            let token = try bank.newToken()
            var call = bank.revoke(token).removing("Content-Type")
            if let type { call = call.adding("Content-Type", type) }
            try expectOAuthError(bank.answer(call), 400, "invalid_request")
            #expect(try bank.isActive(token))
            call = call.setting("Content-Type", "Application/X-WWW-Form-URLEncoded; charset=utf-8")
            expectRevoked(try bank.answer(call))
            #expect(try !bank.isActive(token))
        }
    }

    @Test(arguments: [
        nil, "", "Basic eDp5", "Bearer x", "Basic", "Basic !", Sandbox.basic("api-consumer-id:x"),
    ])
    func badCredentialsAreInvalidClient(authorization: String?) throws {
        for stage in Stage.allCases {
            let bank = try stage.bank()
            let token = try bank.newToken()
            for form in ["token=\(token)", "nonsense"] {
                var call = bank.revoke(form: form).removing("Authorization")
                if let authorization { call = call.adding("Authorization", authorization) }
                try expectOAuthError(bank.server.answer(to: call), 401, "invalid_client")
            }
            #expect(try bank.isActive(token))
        }
    }

    @Test(arguments: Stage.allCases, ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
    func otherMethodIsNotAllowed(stage: Stage, method: String) throws {
        let bank = try stage.bank()
        let token = try bank.newToken()
        let call = bank.revoke(token).with(method: method)
        let response = try bank.answer(call)
        #expect(response.status == 405)
        #expect(response.values("Allow") == ["POST, OPTIONS"])
        if method != "HEAD" {
            try expectErrors(response, 405, "method_not_allowed", on: bank.server)
        }
        #expect(try bank.isActive(token))
    }

    @Test(arguments: Stage.allCases)
    func optionsSayWhatIsAllowed(stage: Stage) throws {
        let bank = try stage.bank()
        let response = try bank.server.answer(to: Call("OPTIONS", "/oauth2/revoke"))
        #expect(response.status == 204)
        #expect(response.values("Allow") == ["POST, OPTIONS"])
        #expect(response.body.isEmpty)
    }

    @Test(arguments: Stage.allCases)
    func tooLongBodyKeepsTheErrorsBody(stage: Stage) throws {
        let bank = try stage.bank()
        let call = bank.revoke(form: "token=" + String(repeating: "t", count: 65_536))
        try expectErrors(bank.answer(call), 413, "payload_too_large", on: bank.server)
    }
}
