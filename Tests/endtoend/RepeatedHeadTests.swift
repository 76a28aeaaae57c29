// Requests with the same head on one connection: each body is judged, and each head as the first.

import Foundation
import Testing

@Suite struct RepeatedHeadTests {
    /// All bodies as long as each other, so that the heads are the same.
    private func tokens(_ body: String) -> Call {
        Call.tokens(body + String(repeating: " ", count: 200 - body.utf8.count))
    }

    private func exchange(_ code: String) -> Call {
        tokens(#"{"auth_code":"\#(code)","redirect_uri":"\#(Sandbox.redirectURI)"}"#)
    }

    private func statuses(_ calls: [Call], on connection: HTTPConnection) throws -> [Int] {
        try calls.map { call in
            try connection.send(call.bytes)
            return try connection.readResponse().status
        }
    }

    @Test func eachBodyIsJudged() throws {
        let server = try ServerProcess.shared()
        let connection = try server.connect()
        let code = try server.newCode()
        let good = try exchange(server.newCode())
        let otherURI = exchange(code).with(
            body: exchange(code).text.replacing("www.google.com", with: "www.google.org"))
        let calls = [
            exchange(code), good, exchange(code), tokens("not JSON"), tokens(#"{"auth_code":1}"#),
            tokens(#"{"grant_type":"client_credentials"}"#), otherURI,
            try exchange(server.newCode()),
        ]
        #expect(Set(calls.map(\.head)).count == 1)
        #expect(
            try statuses(calls, on: connection) == [201, 201, 403, 400, 400, 201, 403, 201])
    }

    @Test(arguments: [
        ("Authorization", Sandbox.basic("api-consumer-id:wrong"), 401),
        ("fi_reference_id", "PSDGB-FCA-999999", 403), ("version", "2", 400),
        ("ccg_token", "another-token", 401), ("Content-Type", "text/plain", 400),
    ])
    func wrongHeadStaysWrong(field: String, value: String, status: Int) throws {
        let server = try ServerProcess.shared()
        let connection = try server.connect()
        func good() throws -> Call { try exchange(server.newCode()) }
        func bad() throws -> Call { try good().removing(field).adding(field, value) }
        let calls = try [bad(), bad(), good(), good(), bad(), bad(), good(), bad(), good(), good()]
        let wanted = [status, status, 201, 201, status, status, 201, status, 201, 201]
        #expect(try statuses(calls, on: connection) == wanted)
    }

    @Test func anotherPathIsAnotherHead() throws {
        let server = try ServerProcess.shared()
        let connection = try server.connect()
        let health = Call("GET", "/healthz")
        let calls = try [
            exchange(server.newCode()), exchange(server.newCode()), health, health,
            exchange(server.newCode()).with(target: "/v1/obie/tokenz"), health,
            exchange(server.newCode()),
        ]
        #expect(try statuses(calls, on: connection) == [201, 201, 200, 200, 404, 200, 201])
    }
}

extension Call {
    fileprivate var text: String { String(decoding: body ?? [], as: UTF8.self) }
}
