// What /metrics says after requests whose number is known.

import Foundation
import Testing

@Suite struct MetricsTests {
    struct Page {
        let text: String
        let lines: [Substring]

        init(_ server: ServerProcess, _ method: String = "GET") throws {
            let connection = try HTTPConnection(port: server.adminPort)
            try connection.send("\(method) /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
            let response = try connection.readResponse(isHead: method == "HEAD")
            #expect(response.status == 200)
            #expect(response["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
            text = response.text
            lines = text.split(separator: "\n")
        }

        /// The value of the sample with exactly this name and these labels.
        func value(_ name: String) throws -> Double {
            let line = try #require(
                lines.first { $0.hasPrefix(name + " ") }, "no \(name) in \(text)")
            return try #require(Double(line.dropFirst(name.count + 1)))
        }

        func requests(_ route: String, _ status: Int, method: String = "POST") throws -> Double {
            try value(
                "http_server_request_duration_seconds_count{http_request_method=\"\(method)\","
                    + "http_route=\"\(route)\",http_response_status_code=\"\(status)\"}")
        }
    }

    @Test(arguments: ["memory", "sqlite"])
    func everyAnswerIsCounted(store: String) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = store == "memory" ? store : "sqlite:\(folder.path)/store.db"
        try ServerProcess.with("--store", path, "--loops", "2") { server in
            let bank = Bank(server: server)
            let codes = try (0..<5).map { _ in try bank.newCode() }
            for code in codes.prefix(3) {
                #expect(try bank.answer(bank.exchange(code)).status == 201)
            }
            for _ in 0..<2 { #expect(try bank.answer(bank.exchange(codes[0])).status == 403) }
            #expect(
                try server.answer(to: bank.makeCode().setting("Authorization", "Basic eDp5")).status
                    == 401)
            #expect(try server.answer(to: Call("GET", "/secret-in-a-path")).status == 404)
            #expect(try server.answer(toRaw: "BREW / HTTP/1.1\r\nHost: a\r\n\r\n").status == 501)

            let page = try Page(server)
            try expectRequests(page)
            try expectProcess(page)
            #expect(!page.text.contains("secret-in-a-path"))
            guard store == "sqlite" else { return }
            let commits = try page.value("obie_tokens_store_commit_duration_seconds_count")
            #expect(commits >= 1)
            #expect(try page.value("obie_tokens_store_batch_size_count") == commits)
            #expect(try page.value("obie_tokens_store_batch_size_sum") >= 8)
        }
    }

    private func expectRequests(_ page: Page) throws {
        #expect(try page.requests("/v1/obie/authorization_codes", 201) == 5)
        #expect(try page.requests("/v1/obie/authorization_codes", 401) == 1)
        #expect(try page.requests("/v1/obie/tokens", 201) == 3)
        #expect(try page.requests("/v1/obie/tokens", 403) == 2)
        #expect(try page.requests("other", 404, method: "GET") == 1)
        #expect(try page.requests("other", 501, method: "_OTHER") == 1)
        for (name, count) in [
            ("obie_tokens_codes_issued_total", 5), ("obie_tokens_codes_redeemed_total", 3),
            ("obie_tokens_codes_replayed_total", 2), ("obie_tokens_codes_live", 2),
            ("obie_tokens_codes_expired_total", 0),
            (#"obie_tokens_tokens_issued_total{kind="access"}"#, 3),
            (#"obie_tokens_errors_total{code="auth_code_invalid"}"#, 2),
            (#"obie_tokens_errors_total{code="authentication_error"}"#, 1),
            (#"obie_tokens_codes_refused_total{reason="code_used"}"#, 2),
            ("obie_tokens_store_available", 1),
        ] as [(String, Double)] {
            #expect(try page.value(name) == count, "\(name)")
        }
    }

    private func expectProcess(_ page: Page) throws {
        #expect(try page.value("obie_tokens_connections_accepted_total") >= 13)
        #expect(try page.value("obie_tokens_received_bytes_total") > 3000)
        #expect(try page.value("obie_tokens_sent_bytes_total") > 3000)
        #expect(try page.value("process_open_fds") > 5)
        #expect(try page.value("process_resident_memory_bytes") > 1_000_000)
        #expect(
            abs(try page.value("process_start_time_seconds") - Date.now.timeIntervalSince1970)
                < 60)
    }

    /// Prometheus' rules: HELP and TYPE before a family's samples, each family once, no sample twice.
    @Test func pageKeepsTheFormat() throws {
        let page = try Page(.shared())
        #expect(page.text.hasSuffix("\n"))
        var families: Set<Substring> = []
        var samples: Set<Substring> = []
        var family: Substring = ""
        for line in page.lines {
            if line.hasPrefix("# HELP ") {
                family = line.dropFirst(7).prefix { $0 != " " }
                #expect(families.insert(family).inserted, "\(family) twice")
            } else if line.hasPrefix("# TYPE ") {
                #expect(line.dropFirst(7).hasPrefix(family + " "))
            } else {
                #expect(line.hasPrefix(family), "\(line) in \(family)")
                let name = line.prefix(upTo: line.lastIndex(of: " ") ?? line.endIndex)
                #expect(samples.insert(name).inserted, "\(name) twice")
            }
        }
        #expect(families.count > 15)
    }

    @Test func headHasNoPage() throws {
        #expect(try Page(.shared(), "HEAD").text.isEmpty)
    }
}
