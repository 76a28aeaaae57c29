// An institution as a client of the API: what it asks, with its own credentials, about one provider.
// The sandbox has one; in production the operator's commands make them.

import Foundation
import Testing

struct Bank: Sendable {
    var server: ServerProcess
    var clientID = "api-consumer-id"
    var secret = "password"
    var institution = Sandbox.institution
    var provider = "PSDGB-FCA-222222"
    var redirectURI = Sandbox.redirectURI
    var ccgToken = Sandbox.ccgToken

    static func sandbox() throws -> Bank { Bank(server: try .shared()) }

    var authorization: String { Sandbox.basic("\(clientID):\(secret)") }

    /// The call as this institution would send it.
    func dressed(_ call: Call) -> Call {
        var call = call.setting("Authorization", authorization)
        if call.fields.contains(where: { $0.name == "fi_reference_id" }) {
            call = call.setting("fi_reference_id", institution)
        }
        if call.fields.contains(where: { $0.name == "ccg_token" }) {
            call = call.setting("ccg_token", ccgToken)
        }
        return call
    }

    func answer(_ call: Call) throws -> HTTPResponse {
        try server.answer(to: dressed(call))
    }

    func makeCode(_ changes: [String: String?] = [:]) -> Call {
        dressed(.makeCode(["redirect_uri": Call.json(redirectURI)].merging(changes) { $1 }))
    }

    func exchange(_ code: String, _ changes: [String: String?] = [:]) -> Call {
        dressed(.exchange(code, ["redirect_uri": Call.json(redirectURI)].merging(changes) { $1 }))
    }

    func clientCredentials(psp: String) -> Call {
        let members = #"{"grant_type":"client_credentials","psp_id":\#(psp)}"#
        return dressed(.tokens(members).removing("ccg_token"))
    }

    func introspect(_ token: String) -> Call {
        dressed(IntrospectionTests.call("token=\(token)"))
    }

    func revoke(form: String) -> Call {
        dressed(IntrospectionTests.call(form).with(target: "/oauth2/revoke"))
    }

    func revoke(_ token: String) -> Call { revoke(form: "token=\(token)") }

    func newCode(_ changes: [String: String?] = [:]) throws -> String {
        try expectCode(server.answer(to: makeCode(changes)), redirectURI: redirectURI)
    }

    func newToken(_ changes: [String: String?] = [:]) throws -> String {
        try token(for: newCode(changes))
    }

    /// The token that a code is exchanged for.
    func token(for code: String) throws -> String {
        let response = try server.answer(to: exchange(code))
        try expectToken(response)
        return try #require(try response.data()["access_token"] as? String)
    }

    /// What introspection says of a token; it must be one of the two answers that there are.
    func isActive(_ token: String, on connection: HTTPConnection? = nil) throws -> Bool {
        let connection = try connection ?? server.connect()
        try connection.send(introspect(token).bytes)
        let response = try connection.readResponse()
        #expect(response.status == 200, "\(response.text)")
        if response.text == #"{"active":false}"# { return false }
        guard try response.json()["active"] as? Bool == true else {
            throw WrongShape(problem: "neither active nor inactive", text: response.text)
        }
        return true
    }

    /// Whether its CCG token is taken, seen by a code that cannot be.
    func isCCGTokenGood() throws -> Bool {
        let codes = try server.answer(to: exchange("x")).errors().map(\.code)
        switch codes {
        case ["auth_code_invalid"]: return true
        case ["ccg_token_invalid"]: return false
        default: throw WrongShape(problem: "neither", text: "\(codes)")
        }
    }
}
