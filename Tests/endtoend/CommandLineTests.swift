// The command line: help, refusals and their exit status, signals, modes.

import Foundation
import Testing

@Suite struct CommandLineTests {
    private func run(
        _ arguments: String...
    ) throws -> (status: Int32?, output: String, errors: String) {
        try ChildProcess.run(ChildProcess.binary.path, arguments)
    }

    @Test func helpListsEveryFlag() throws {
        let help = try run("serve", "--help")
        #expect(help.status == 0)
        let flags = [
            "--listen", "--admin-listen", "--store", "--loops", "--mode", "--code-lifetime",
            "--access-token-lifetime", "--public-url", "--max-connections", "--head-timeout",
            "--idle-timeout", "--audit-log", "--no-throttle", "--help",
        ]
        let words = Set(help.output.split { " \n(".contains($0) })
        for flag in flags { #expect(words.contains(Substring(flag)) || flag == "--help") }
        #expect(help.output.contains("--help"))
        let overview = try run("--help")
        #expect(overview.status == 0)
        #expect(overview.output.contains("serve"))
    }

    static let refused: [[String]] = [
        ["--nonsense"], ["--listen"], ["--listen", "nonsense"], ["--listen", "127.0.0.1"],
        ["--listen", "127.0.0.1:65536"], ["--listen", "127.0.0.1:-1"],
        ["--listen", "256.0.0.1:0"], ["--listen", ""], ["--listen", "127.0.0.1:0x"],
        ["--admin-listen", "nonsense"], ["--loops", "0"], ["--loops", "257"], ["--loops", "x"],
        ["--loops", "-1"], ["--loops", "1.5"], ["--loops", "99999999999999999999"],
        ["--code-lifetime", "0"], ["--code-lifetime", "3601"], ["--code-lifetime", "never"],
        ["--access-token-lifetime", "0"], ["--access-token-lifetime", "-5"],
        ["--access-token-lifetime", "3155760001"], ["--access-token-lifetime", "forever"],
        ["--mode", "x"], ["--mode", "Sandbox"], ["--store", "x"], ["--public-url", "ftp://x"],
        ["--public-url", "tokens.example"], ["--public-url", "https://a.example/#b"], ["extra"],
        ["--max-connections", "0"], ["--max-connections", "x"],
        ["--max-connections", "3", "--loops", "4"], ["--head-timeout", "0"],
        ["--head-timeout", "3601"], ["--idle-timeout", "0"], ["--idle-timeout", "1.5"],
    ]

    @Test(arguments: refused)
    func wrongOptionIsRefused(arguments: [String]) throws {
        let outcome = try ChildProcess.run(
            ChildProcess.binary.path,
            ["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"] + arguments)
        #expect(outcome.status == 64)
        #expect(outcome.output.isEmpty)
        let subject = arguments.first.map { $0 == "extra" ? "extra" : $0 } ?? ""
        #expect(outcome.errors.contains(subject))
        #expect(!outcome.errors.contains("listening on"))
        #expect(!outcome.errors.contains("Backtrace"))
    }

    @Test func unknownCommandIsRefused() throws {
        #expect(try run("brew").status == 64)
    }

    @Test(arguments: ["--listen", "--admin-listen"])
    func takenPortIsOneLine(flag: String) throws {
        let server = try ServerProcess.shared()
        for port in [server.port, server.adminPort] {
            let other = flag == "--listen" ? "--admin-listen" : "--listen"
            let outcome = try run(
                "serve", other, "127.0.0.1:0", flag, "127.0.0.1:\(port)", "--store",
                "memory")
            #expect(outcome.status == 71)
            #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
            #expect(outcome.errors.contains("\(port)"))
        }
        #expect(try server.isServing())
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func signalsStopItOrderly(signal: Int32) throws {
        let server = try ServerProcess()
        let idle = try server.connect()
        try idle.send(Call("GET", "/healthz").bytes)
        #expect(try idle.readResponse().status == 200)
        #expect(server.program.stop(signal) == 0)
        #expect(throws: (any Error).self) { try server.connect() }
        #expect(!server.program.errorOutput.contains("Backtrace"))
    }

    @Test func sandboxSaysSoInOneLine() throws {
        let server = try ServerProcess.shared()
        let loud = server.program.errorLines.filter { $0.contains("SANDBOX") }
        #expect(loud.count == 1)
        #expect(loud.first?.contains("sandbox") == true)
    }

    @Test func productionKnowsNobody() throws {
        let store = try ProductionStore()
        let server = try store.serve()
        defer { server.program.stop(SIGTERM) }
        #expect(!server.program.errorOutput.lowercased().contains("sandbox"))
        for call in [Call.clientCredentials, .makeCode(), .exchange("x")] {
            let response = try server.answer(to: call)
            try expectErrors(response, 401, "authentication_error", on: server)
        }
        #expect(try server.isServing())
    }

    @Test(arguments: ["1", "4"])
    func anyNumberOfLoopsServes(loops: String) throws {
        try ServerProcess.with("--loops", loops) { server in
            let code = try server.newCode()
            try expectToken(server.answer(to: .exchange(code)))
            try expectErrors(
                server.answer(to: .exchange(code)), 403, "auth_code_invalid", on: server)
        }
    }

    @Test func serverListensOnIPv6() throws {
        let child = try ChildProcess(
            ChildProcess.binary.path,
            ["serve", "--listen", "[::1]:0", "--admin-listen", "127.0.0.1:0", "--store", "memory"],
            isWatched: true)
        defer { child.stop(SIGKILL) }
        for _ in 0..<500 where !child.errorOutput.contains("listening on") { usleep(10_000) }
        #expect(child.errorOutput.contains("listening on http://[::1]:"))
        #expect(child.stop(SIGTERM) == 0)
    }
}
