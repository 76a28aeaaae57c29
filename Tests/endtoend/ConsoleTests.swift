// The sandbox's page as it is served, and that production has none of it. Tests/console walks through it in a
// browser.

import Foundation
import Testing

@Suite struct ConsoleTests {
    static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        + "base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
    static let scripts = ["/console.js", "/mistakes.js", "/requests.js"]

    private static func get(_ path: String, _ server: ServerProcess) throws -> HTTPResponse {
        try server.answer(to: Call("GET", path))
    }

    static let types = [
        ("/", "text/html"), ("/errors", "text/html"), ("/style.css", "text/css"),
        ("/console.js", "text/javascript"), ("/mistakes.js", "text/javascript"),
        ("/requests.js", "text/javascript"),
    ]

    @Test(arguments: types)
    func pagesAndTheirFilesAreStrict(path: String, type: String) throws {
        let answer = try Self.get(path, ServerProcess.shared())
        #expect(answer.status == 200)
        #expect(answer["Content-Type"] == "\(type); charset=utf-8")
        #expect(answer["Content-Security-Policy"] == Self.policy)
        #expect(answer["X-Content-Type-Options"] == "nosniff")
        #expect(answer["Referrer-Policy"] == "no-referrer")
        #expect(answer["Cache-Control"] == "no-store")
        expectDate(answer)
    }

    @Test func allOfItIsUnder60KB() throws {
        let server = try ServerProcess.shared()
        let sizes = try (["/", "/style.css"] + Self.scripts).map {
            try Self.get($0, server).body.count
        }
        #expect(sizes.allSatisfy { $0 > 500 })
        #expect(sizes.reduce(0, +) < 60_000)
    }

    @Test func productionHasAPlainPageAndNothingElse() throws {
        let store = try ProductionStore()
        let server = try ServerProcess(["--mode", "production"] + store.option)
        defer { server.program.stop(SIGTERM) }
        for path in Self.scripts + ["/sandbox/counts"] {
            for method in ["GET", "POST", "OPTIONS"] {
                try expectErrorBody(
                    server.answer(to: Call(method, path)), 404, ["not_found"], on: server)
            }
        }
        let page = try Self.get("/", server)
        #expect(page.status == 200 && page["Content-Security-Policy"] == Self.policy)
        #expect(!page.text.contains("<script") && !page.text.lowercased().contains("sandbox"))
        for link in ["openapi.json", "errors", "style.css"] {
            #expect(page.text.contains("href=\"\(link)\""))
            #expect(try Self.get("/" + link, server).status == 200)
        }
        let description = try Self.get("/openapi.json", server).json()
        let paths = try #require(description["paths"] as? [String: Any])
        #expect(paths["/v1/obie/tokens"] != nil && paths["/sandbox/counts"] == nil)
    }

    private static func counts(_ server: ServerProcess) throws -> [String: Int] {
        let json = try get("/sandbox/counts", server).json()
        var counts = try #require(json["codes"] as? [String: Int])
        counts["lifetime"] = json["code_lifetime"] as? Int
        return counts
    }

    /// Whichever loop is asked.
    @Test func countsAreThoseOfTheMetrics() throws {
        try ServerProcess.with("--loops", "2", "--code-lifetime", "2") { server in
            let bank = Bank(server: server)
            let codes = try (0..<4).map { _ in try bank.newCode() }
            for code in codes.prefix(3) {
                #expect(try bank.answer(bank.exchange(code)).status == 201)
            }
            #expect(try bank.answer(bank.exchange(codes[0])).status == 403)
            let first = ["issued": 4, "redeemed": 3, "replayed": 1, "lifetime": 2]
            for _ in 0..<8 {
                #expect(try Self.counts(server).filter { first[$0.key] != nil } == first)
            }
            let deadline = Date(timeIntervalSinceNow: 20)
            while try Self.counts(server)["expired"] == 0, Date() < deadline { usleep(50_000) }
            let last = try Self.counts(server)
            #expect(last["expired"] == 1 && last["live"] == 0)
            let page = try MetricsTests.Page(server)
            for (name, suffix) in [("live", ""), ("redeemed", "_total"), ("expired", "_total")] {
                #expect(
                    try page.value("obie_tokens_codes_\(name)\(suffix)") == Double(last[name] ?? -1)
                )
            }
            #expect(try page.requests("/sandbox/counts", 200, method: "GET") >= 10)
        }
    }

    /// A consent that is withdrawn voids its code; the count has it until its time is over.
    @Test func pageSaysWhatItCounts() throws {
        try ServerProcess.with { server in
            let bank = Bank(server: server)
            _ = try bank.newCode()
            let withdrawal = bank.dressed(ConsentTests.call(Call.json("consent-1")))
            #expect(try server.answer(to: withdrawal).status == 200)
            #expect(try Self.counts(server)["live"] == 1)
            #expect(try Self.get("/", server).text.contains("<dt>Codes in time, unused</dt>"))
        }
    }

    /// However many files there are, the metrics have one row for them.
    @Test func filesHaveOneLabel() throws {
        try ServerProcess.with { server in
            for path in Self.scripts + ["/style.css"] { _ = try Self.get(path, server) }
            let page = try MetricsTests.Page(server)
            #expect(try page.requests("file", 200, method: "GET") == 4)
            #expect(!page.text.contains(".js"))
        }
    }

    /// What the page tells people whose browser runs no scripts.
    @Test func commandsWithoutJavaScriptWork() throws {
        let server = try ServerProcess.shared()
        let page = try Self.get("/", server).text
        let match = try #require(
            page.firstMatch(of: /<pre id="commands">\n(URL=\S+)\n([^&<]*)<\/pre>/))
        #expect(match.1 == "URL=http://127.0.0.1:8080")
        let outcome = try ChildProcess.run("/bin/sh", ["-c", "URL=\(server.origin)\n\(match.2)"])
        let lines = outcome.output.split(separator: "\n")
        try #require(lines.count == 4, "\(outcome)")
        #expect(lines[0].contains(#""access_token":"good-access-token""#))
        #expect(lines[1].contains(#""code":""#))
        #expect(lines[2].contains(#""access_token":""#))
        #expect(lines[3].contains(#""code":"auth_code_invalid""#))
    }
}
