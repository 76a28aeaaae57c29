// obie-tokens healthcheck: 0 for ready, 1 for all else, and never longer than it may take.

import Foundation
import Glibc
import Testing

@Suite struct HealthCheckTests {
    private func check(
        _ arguments: [String], _ environment: [String: String] = [:]
    ) throws -> (status: Int32?, output: String, errors: String) {
        let variables = environment.map { "\($0.key)=\($0.value)" }
        return try ChildProcess.run(
            "/usr/bin/env",
            ["-i"] + variables + [ChildProcess.binary.path, "healthcheck"] + arguments)
    }

    /// Found by the settings that the server has; 0.0.0.0 means here, too.
    @Test(arguments: ["127.0.0.1", "0.0.0.0"])
    func readyServerIsHealthy(host: String) throws {
        let port = try ServerProcess.shared().adminPort
        let outcome = try check([], ["OBIE_TOKENS_ADMIN_LISTEN": "\(host):\(port)"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.isEmpty)
    }

    @Test func drainingServerIsNotHealthy() throws {
        let server = try ServerProcess(["--drain-delay", "3"])
        defer { server.program.stop(SIGKILL) }
        let url = ["--url", "http://127.0.0.1:\(server.adminPort)/readyz"]
        #expect(try check(url).status == 0)
        server.program.send(SIGTERM)
        for _ in 0..<500 where !server.program.errorOutput.contains("draining") { usleep(10_000) }
        let outcome = try check(url)
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("503") && outcome.errors.contains("draining"))
    }

    @Test func answerIsShownWithItsSpaces() throws {
        let port = try ServerProcess.shared().adminPort
        let outcome = try check(["--url", "http://127.0.0.1:\(port)/x"])
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("answered 404"))
        #expect(outcome.errors.contains("there is nothing"))
    }

    @Test func nobodyThereIsNotHealthy() throws {
        let outcome = try check(["--url", "http://127.0.0.1:1/readyz"])
        #expect(outcome.status == 1)
        #expect(outcome.errors.split(separator: "\n").count == 1)
    }

    /// The kernel accepts for a listener that nobody serves.
    @Test func silenceIsNotHealthy() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        #expect(listen(listener, 8) == 0)
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(listener, $0, &length)
            }
        }
        #expect(code == 0)
        let began = Date()
        let outcome = try check(
            ["--timeout", "1", "--url", "http://127.0.0.1:\(address.sin_port.bigEndian)/readyz"])
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("within 1 s"))
        #expect((0.9...10).contains(Date().timeIntervalSince(began)))
    }

    @Test(arguments: ["ftp://x", "http://localhost", "nonsense"])
    func urlThatIsNoneIsRefused(url: String) throws {
        #expect(try check(["--url", url]).status == 64)
    }
}
