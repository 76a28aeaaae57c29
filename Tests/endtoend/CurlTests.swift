// What the README tells a newcomer to paste, through the real curl.

import Foundation
import Testing

@Suite struct CurlTests {
    /// Status and body.
    private func curl(
        _ server: ServerProcess, _ path: String, _ body: String, _ headers: String...
    ) throws -> (status: Int, json: [String: Any]) {
        let common = [
            "-s", "--max-time", "10", "-w", "\n%{http_code}", "-u", "api-consumer-id:password",
            "-H", "fi_reference_id: \(Sandbox.institution)", "-H", "version: 1",
            "-H", "Content-Type: application/json", "-d", body, server.origin + path,
        ]
        let outcome = try ChildProcess.run(
            "/usr/bin/curl", common + headers.flatMap { ["-H", $0] })
        #expect(outcome.status == 0)
        let parts = outcome.output.split(separator: "\n", maxSplits: 1)
        try #require(parts.count == 2)
        let json = try JSONSerialization.jsonObject(with: Data(parts[0].utf8)) as? [String: Any]
        return (try #require(Int(parts[1])), try #require(json))
    }

    @Test func newcomerGetsToken() throws {
        let server = try ServerProcess.shared()
        let first = try curl(server, Call.tokensPath, #"{"grant_type":"client_credentials"}"#)
        #expect(first.status == 201)
        let grant = try #require(first.json["data"] as? [String: Any])
        let ccgToken = try #require(grant["access_token"] as? String)
        let ccg = "ccg_token: \(ccgToken)"
        let made = try curl(
            server, Call.codesPath,
            #"{"consent_id":"c","psu_account_id":"a","redirect_uri":"https://www.google.com","#
                + #""scope":"accounts","state":"example-state"}"#, ccg)
        #expect(made.status == 201)
        let redirect = (made.json["data"] as? [String: Any])?["redirect_uri"] as? [String: Any]
        let parameters = try #require(redirect?["parameters"] as? [String: Any])
        #expect(parameters["state"] as? String == "example-state")
        let code = try #require(parameters["code"] as? String)
        let body = #"{"auth_code":"\#(code)","redirect_uri":"https://www.google.com"}"#
        let exchanged = try curl(server, Call.tokensPath, body, ccg)
        #expect(exchanged.status == 201)
        let token = try #require(exchanged.json["data"] as? [String: Any])
        #expect(token["state"] as? String == "example-state")
        let again = try curl(server, Call.tokensPath, body, ccg)
        #expect(again.status == 403)
        let errors = try #require(again.json["errors"] as? [[String: Any]])
        #expect(errors.map { $0["code"] as? String } == ["auth_code_invalid"])
    }

    /// curl asks first for bodies over a megabyte, and for any when told to.
    @Test func curlMayAskFirst() throws {
        let server = try ServerProcess.shared()
        let answer = try curl(
            server, Call.tokensPath, #"{"grant_type":"client_credentials"}"#,
            "Expect: 100-continue", "Transfer-Encoding: chunked")
        #expect(answer.status == 201)
    }

    /// The README's own commands, pasted, and what it says comes back.
    @Test func readmeTellsTheTruth() throws {
        let server = try ServerProcess.shared()
        let readme = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appending(path: "README.md")
        let text = try String(contentsOf: readme, encoding: .utf8)
        let blocks = text.split(separator: "<!-- curls -->").last?.split(separator: "```") ?? []
        try #require(blocks.count > 4)
        let script = String(blocks[1].trimmingPrefix("sh\n"))
            .replacing("http://127.0.0.1:8080", with: server.origin)
        let outcome = try ChildProcess.run("/bin/sh", ["-euc", script])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let answers = outcome.output.replacing(server.origin, with: "http://127.0.0.1:8080")
        let promised = String(blocks[3].trimmingPrefix("\n"))
        #expect(withoutChance(answers) == withoutChance(promised))
        #expect(withoutChance(promised).contains(#""access_token":"TOKEN""#))
    }

    /// What differs from run to run has a name instead.
    private func withoutChance(_ text: String) -> String {
        text.replacing(/"code":"[0-9a-z]{25,}"/, with: #""code":"CODE""#)
            .replacing(/"id":"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"/, with: #""id":"ID""#)
            .replacing(/"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"/, with: #""TOKEN""#)
    }
}
