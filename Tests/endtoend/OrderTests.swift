// Of several faults the first in the contract's order answers. Each row has two or more.

import Testing

@Suite struct OrderTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var name: String
        var call: Call
        var status: Int
        var code: String
        var testDescription: String { name }
    }

    static let tooLong = [UInt8](repeating: 32, count: 65_537)
    static let all = Call.makeCode(["redirect_uri": #""https://a.example""#])
    static let unknownFI = all.setting("fi_reference_id", "unknown-fi")
    static let stranger = unknownFI.setting("version", "2").setting("Authorization", "Basic x")
    static let doubled = stranger.adding("Authorization", "Basic y")

    static let encoded = doubled.setting("Content-Encoding", "gzip")

    static let rows = [
        Row(
            name: "413 before 404", call: doubled.with(target: "/nope").with(body: tooLong),
            status: 413, code: "payload_too_large"),
        Row(
            name: "413 before 405", call: doubled.with(method: "PUT").with(body: tooLong),
            status: 413, code: "payload_too_large"),
        Row(
            name: "413 before 401", call: stranger.with(body: tooLong),
            status: 413, code: "payload_too_large"),
        Row(
            name: "404 before a doubled Authorization", call: doubled.with(target: "/v1/obie/nope"),
            status: 404, code: "not_found"),
        Row(
            name: "404 before 405", call: doubled.with(method: "PUT").with(target: "/v1/obie/nope"),
            status: 404, code: "not_found"),
        Row(
            name: "404 before 401",
            call: stranger.removing("Authorization").with(target: "/v1/obie/tokens/"),
            status: 404, code: "not_found"),
        Row(
            name: "405 before a doubled Authorization", call: doubled.with(method: "DELETE"),
            status: 405, code: "method_not_allowed"),
        Row(
            name: "405 before 401", call: stranger.removing("Authorization").with(method: "GET"),
            status: 405, code: "method_not_allowed"),
        Row(
            name: "doubled Authorization before 401 and headers", call: doubled,
            status: 400, code: "parameter_invalid"),
        Row(
            name: "401 before header faults", call: stranger.removing("Content-Type"),
            status: 401, code: "authentication_error"),
        Row(
            name: "401 before JSON", call: stranger.setting("version", "1").with(body: "{"),
            status: 401, code: "authentication_error"),
        Row(
            name: "401 before ccg_token",
            call: all.setting("Authorization", "x").setting("ccg_token", "x"),
            status: 401, code: "authentication_error"),
        Row(
            name: "header faults before fi_forbidden", call: unknownFI.setting("version", "2"),
            status: 400, code: "version_unsupported"),
        Row(
            name: "header faults before JSON", call: all.setting("version", "2").with(body: "{"),
            status: 400, code: "version_unsupported"),
        Row(
            name: "header faults before ccg_token",
            call: all.setting("Content-Type", "a/b").setting("ccg_token", "x"),
            status: 400, code: "content_type_invalid"),
        Row(
            name: "fi_forbidden before JSON", call: unknownFI.with(body: "{"),
            status: 403, code: "fi_forbidden"),
        Row(
            name: "fi_forbidden before ccg_token", call: unknownFI.setting("ccg_token", "x"),
            status: 403, code: "fi_forbidden"),
        Row(
            name: "a missing ccg_token before fi_forbidden, where it is always needed",
            call: unknownFI.removing("ccg_token"), status: 400, code: "parameter_missing"),
        Row(
            name: "fi_forbidden before a missing ccg_token, where the body says so",
            call: Call.exchange("x").setting("fi_reference_id", "unknown-fi").removing("ccg_token"),
            status: 403, code: "fi_forbidden"),
        Row(
            name: "404 before 415", call: encoded.with(target: "/v1/obie/nope"),
            status: 404, code: "not_found"),
        Row(
            name: "405 before 415", call: encoded.with(method: "PUT"),
            status: 405, code: "method_not_allowed"),
        Row(
            name: "413 before 415", call: encoded.with(body: tooLong),
            status: 413, code: "payload_too_large"),
        Row(
            name: "415 before a doubled Authorization", call: encoded,
            status: 415, code: "content_encoding_unsupported"),
        Row(
            name: "JSON before ccg_token", call: all.with(body: "{").setting("ccg_token", "x"),
            status: 400, code: "json_invalid"),
        Row(
            name: "members before ccg_token",
            call: Call.makeCode(["scope": nil]).setting("ccg_token", "x"),
            status: 400, code: "parameter_missing"),
        Row(
            name: "redirect URI syntax before ccg_token",
            call: Call.makeCode(["redirect_uri": #""x""#]).setting("ccg_token", "x"),
            status: 400, code: "parameter_invalid"),
        Row(
            name: "ccg_token before the redirect URI", call: all.setting("ccg_token", "x"),
            status: 401, code: "ccg_token_invalid"),
        Row(
            name: "ccg_token before the code", call: Call.exchange("x").setting("ccg_token", "x"),
            status: 401, code: "ccg_token_invalid"),
        Row(
            name: "the redirect URI itself", call: all,
            status: 403, code: "redirect_uri_unregistered"),
    ]

    @Test(arguments: rows)
    func firstFaultAnswers(row: Row) throws {
        let server = try ServerProcess.shared()
        let response = try server.answer(to: row.call)
        try expectErrors(response, row.status, row.code, on: server)
        #expect(response.values("Allow").isEmpty == (row.status != 405))
    }

    /// JSON that is no object at all says nothing about ccg_token.
    @Test func brokenJSONSaysNothingAboutCCGToken() throws {
        let server = try ServerProcess.shared()
        let call = Call.tokens("{").removing("ccg_token")
        let response = try server.answer(to: call)
        #expect(try response.errors().contains { $0.code == "json_invalid" })
        #expect(response.status == 400)
    }

    /// A wrong CCG token must not spend the code, nor must anything that is checked before it.
    @Test func refusedCallsDoNotSpendTheCode() throws {
        let server = try ServerProcess.shared()
        let code = try server.newCode()
        let call = Call.exchange(code)
        let refused = [
            call.setting("ccg_token", "x"), call.removing("ccg_token"),
            call.setting("version", "2"),
            call.setting("fi_reference_id", "unknown-fi"), call.setting("Authorization", "x"),
            call.with(method: "PUT"), Call.exchange(code, ["grant_type": #""x""#]),
            Call.exchange(code, ["redirect_uri": nil]),
        ]
        for refusal in refused {
            #expect(try server.answer(to: refusal).status >= 400)
        }
        try expectToken(server.answer(to: call))
    }
}
