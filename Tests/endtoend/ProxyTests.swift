// Behind proxies: whose address the logs and the throttle see, with the header fields and with the PROXY
// protocol; and what strangers can say of themselves.

import Foundation
import Glibc
import Testing

@Suite struct ProxyTests {
    private static let header = "PROXY TCP4 192.0.2.7 10.0.0.1 4711 8080\r\n"
    private static let wrong = Call.clientCredentials.setting("Authorization", "Basic eDp5")

    /// The access log's lines about answers.
    private func lines(_ server: ServerProcess, _ count: Int) throws -> [[String: Any]] {
        var found: [[String: Any]] = []
        for _ in 0..<500 where found.count < count {
            usleep(10_000)
            found = try server.program.errorLines.compactMap { line in
                let json = try JSONSerialization.jsonObject(with: Data(line.utf8))
                let object = try #require(json as? [String: Any])
                return object["message"] as? String == "answered" ? object : nil
            }
        }
        return found
    }

    private func expect(
        _ line: [String: Any], _ peer: String, proxy: String?,
        _ here: SourceLocation = #_sourceLocation
    ) {
        #expect(line["peer"] as? String == peer, sourceLocation: here)
        #expect(line["proxy"] as? String == proxy, sourceLocation: here)
    }

    @Test func logsAndThrottleSeeTheClientBehindATrustedProxy() throws {
        let log = NSTemporaryDirectory() + "obie-proxy-\(UUID().uuidString)"
        defer {
            for name in [log, log + ".head"] { try? FileManager.default.removeItem(atPath: name) }
        }
        let server = try ServerProcess([
            "--trusted-proxies", "127.0.0.0/8", "--access-log", "--throttle", "--audit-log", log,
        ])
        let connection = try server.connect()
        for number in 0..<150 {
            let name = Data("client-\(number):x".utf8).base64EncodedString()
            try connection.send(
                Self.wrong.setting("Authorization", "Basic \(name)")
                    .adding("X-Forwarded-For", "1.2.3.\(number), 192.0.2.7, 127.0.0.9").bytes)
            let status = try connection.readResponse().status
            #expect(number < 100 ? status == 401 : status == 401 || status == 429)
            if number == 149 { #expect(status == 429) }
        }
        // On the same connection, for somebody else.
        try connection.send(
            Self.wrong.adding("X-Forwarded-For", "[2001:db8::9]:4711")
                .adding("Forwarded", "for=192.0.2.8").bytes)
        #expect(try connection.readResponse().status == 401)
        try connection.send(Self.wrong.setting("Authorization", "Basic eTp5").bytes)
        #expect(try connection.readResponse().status == 401)
        let lines = try lines(server, 152)
        expect(lines[0], "192.0.2.7", proxy: "127.0.0.1")
        expect(lines[150], "2001:db8::9", proxy: "127.0.0.1")
        expect(lines[151], "127.0.0.1", proxy: nil)
        server.program.stop(SIGTERM)
        let audit = try String(contentsOfFile: log, encoding: .utf8)
        #expect(audit.contains(#""192.0.2.7""#) && audit.contains("2001:db8::9"))
        #expect(!audit.contains(#""1.2.3."#))
    }

    @Test(arguments: [[], ["--trusted-proxies", "10.0.0.0/8,::1"]])
    func strangersAreNotBelieved(settings: [String]) throws {
        let server = try ServerProcess(["--access-log"] + settings)
        defer { server.program.stop(SIGTERM) }
        let call = Call("GET", "/healthz")
        for name in ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Client-IP"] {
            let value = name == "Forwarded" ? "for=192.0.2.7" : "192.0.2.7"
            #expect(try server.answer(to: call.adding(name, value)).status == 200)
        }
        for line in try lines(server, 4) { expect(line, "127.0.0.1", proxy: nil) }
        // A PROXY header is no request.
        let connection = try server.connect()
        try connection.send(Self.header + "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(try connection.readResponse().status == 400)
    }

    @Test func proxyProtocolSaysWhoAsks() throws {
        let server = try ServerProcess(["--access-log", "--proxy-protocol"])
        defer { server.program.stop(SIGTERM) }
        let request = Array("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
        let binary: [UInt8] =
            [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10, 0x21, 0x11, 0, 16]
            + [198, 51, 100, 1, 10, 0, 0, 1, 1, 2, 3, 4, 4, 0, 1, 9]
        let local: [UInt8] = Array(binary[..<12]) + [0x20, 0, 0, 0]
        for header in [Array(Self.header.utf8), binary, local] {
            // At once, and byte by byte.
            for step in [header.count + request.count, 1] {
                let connection = try server.connect()
                let all = header + request
                for start in stride(from: 0, to: all.count, by: step) {
                    try connection.send(all[start..<min(start + step, all.count)])
                }
                #expect(try connection.readResponse().status == 200)
                // It stands in front of the connection, and not of each request.
                try connection.send(request)
                #expect(try connection.readResponse().status == 200)
            }
        }
        let lines = try lines(server, 12)
        for line in lines[0..<4] { expect(line, "192.0.2.7", proxy: "127.0.0.1") }
        for line in lines[4..<8] { expect(line, "198.51.100.1", proxy: "127.0.0.1") }
        for line in lines[8..<12] { expect(line, "127.0.0.1", proxy: nil) }
        // Whoever does not say it is refused, and the log says so once.
        for text in ["GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "PROXY TCP4 1.2.3.4\r\n"] {
            let connection = try server.connect()
            try connection.send(text)
            #expect(try connection.readUntilClose().isEmpty)
        }
        let warnings = server.program.errorLines.filter { $0.contains("was refused") }
        #expect(warnings.count == 1 && warnings[0].contains("PROXY header"))
        // Probes come as ever.
        let probe = try HTTPConnection(port: server.adminPort)
        try probe.send(Call("GET", "/readyz").bytes)
        #expect(try probe.readResponse().status == 200)
    }

    @Test func proxyProtocolIsForTrustedProxiesOnly() throws {
        let request = Self.header + "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        for (networks, isTrusted) in [("10.0.0.0/8", false), ("127.0.0.1", true)] {
            let server = try ServerProcess(
                ["--proxy-protocol", "--trusted-proxies", networks, "--access-log"])
            defer { server.program.stop(SIGTERM) }
            let connection = try server.connect()
            if isTrusted {
                try connection.send(request)
                #expect(try connection.readResponse().status == 200)
                // From a client that is no proxy the fields mean nothing.
                try connection.send(
                    Call("GET", "/healthz").adding("X-Forwarded-For", "8.8.8.8").bytes)
                #expect(try connection.readResponse().status == 200)
                for line in try lines(server, 2) { expect(line, "192.0.2.7", proxy: "127.0.0.1") }
            } else {
                // At once, though it says nothing: a header would have 10 s.
                #expect(connection.hasInput(withinMilliseconds: 5000))
                #expect(try connection.readUntilClose().isEmpty)
                let page = try MetricsTests.Page(server)
                let name = "obie_tokens_proxy_refused_total"
                #expect(try page.value("\(name){reason=\"untrusted\"}") == 1)
                #expect(try page.value("\(name){reason=\"missing\"}") == 0)
            }
        }
    }

    @Test func openProxyProtocolIsSaidAtTheStart() throws {
        for (settings, isOpen) in [([], true), (["--trusted-proxies", "127.0.0.1"], false)] {
            let server = try ServerProcess(["--proxy-protocol"] + settings)
            server.program.stop(SIGTERM)
            let said = server.program.errorOutput.contains(
                "whoever can connect can say any address")
            #expect(said == isOpen)
        }
    }

    // MARK: Idle connections and links

    @Test func keptConnectionSaysForHowLong() throws {
        let server = try ServerProcess.shared()
        let connection = try server.connect()
        for call in [
            Call("GET", "/healthz"), .makeCode(), .exchange(try server.newCode()), .exchange("x"),
            .makeCode().removing("Authorization"), Call("OPTIONS", "/"),
            Call("GET", "/healthz").with(version: "HTTP/1.0").adding("Connection", "keep-alive"),
            Call.exchange(try server.newCode()).adding("X-Request-Id", "mine"),
        ] {
            try connection.send(call.bytes)
            let response = try connection.readResponse()
            #expect(response.values("Keep-Alive") == ["timeout=75"])
            #expect(response.values("Connection") == ["keep-alive"])
        }
        try connection.send(Call("GET", "/healthz").adding("Connection", "close").bytes)
        let last = try connection.readResponse()
        #expect(last.values("Keep-Alive").isEmpty && last.values("Connection") == ["close"])
        // Probes have a time of their own.
        let probe = try HTTPConnection(port: server.adminPort)
        try probe.send(Call("GET", "/livez").bytes)
        #expect(try probe.readResponse().values("Keep-Alive") == ["timeout=5"])
    }

    /// As it is now: a reload counts at once.
    @Test func keptConnectionSaysWhatAReloadHasSet() throws {
        let path = NSTemporaryDirectory() + "obie-idle-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try "idle-timeout = 30\n".write(toFile: path, atomically: true, encoding: .utf8)
        let server = try ServerProcess(["--config", path])
        defer { server.program.stop(SIGTERM) }
        let connection = try server.connect()
        func timeout() throws -> String? {
            try connection.send(Call.makeCode().bytes)
            return try connection.readResponse()["Keep-Alive"]
        }
        #expect(try timeout() == "timeout=30")
        try "idle-timeout = 90\n".write(toFile: path, atomically: true, encoding: .utf8)
        server.program.send(SIGHUP)
        for _ in 0..<500 where try timeout() != "timeout=90" { usleep(10_000) }
        #expect(try timeout() == "timeout=90")
    }

    /// Nobody can follow a link to 0.0.0.0, and what a client sends as Host is not asked.
    @Test func linksNameTheMachineWhereTheAddressIsEvery() throws {
        let server = try ServerProcess(["--listen", "0.0.0.0:0"])
        defer { server.program.stop(SIGTERM) }
        let response = try server.answer(to: Call("GET", "/nope").setting("Host", "evil.example"))
        let link = try response.errors()[0].link
        let name =
            ProcessInfo.processInfo.hostName.split(separator: ".").first.map(String.init) ?? ""
        #expect(link.hasPrefix("\(server.scheme)://\(name)"), "\(link)")
        #expect(link.hasSuffix(":\(server.port)/errors#not_found"))
        #expect(!link.contains("0.0.0.0") && !link.contains("evil"))
        #expect(server.program.errorOutput.contains("public-url is not set"))
    }

    @Test func introspectionMayClaimANearerEnd() throws {
        let server = try ServerProcess(["--introspection-exp-max", "300"])
        defer { server.program.stop(SIGTERM) }
        let data = try server.answer(to: .exchange(try server.newCode())).data()
        let token = try #require(data["access_token"] as? String)
        let json = try server.answer(to: IntrospectionTests.call("token=\(token)")).json()
        let end = try #require(json["exp"] as? Int)
        #expect((290...301).contains(end - Int(Date().timeIntervalSince1970)))
    }
}
