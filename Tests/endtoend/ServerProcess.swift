// Starts the real binary and stops it again, whatever happens to the tests: a watchdog shell holds
// the end of a pipe and terminates the server when this process is gone.

import Foundation
import Glibc

struct StartTimeout: Error {
    var output: String
}

final class ServerProcess: Sendable {
    let program: ChildProcess
    let port: UInt16
    let adminPort: UInt16
    private let database: TestDatabase?
    /// Whether its public address speaks TLS, because all of this run does.
    private let isEncrypted: Bool

    /// The server that most tests share: a sandbox with defaults, on two loops.
    static func shared() throws -> ServerProcess {
        try sharedOutcome.get()
    }

    private static let sharedOutcome = Result { try ServerProcess(["--loops", "2"]) }

    /// Of the public address.
    var scheme: String { isEncrypted ? "https" : "http" }
    var origin: String { "\(scheme)://127.0.0.1:\(port)" }

    /// Starts with free ports and waits until it listens.
    ///
    /// - Parameter environment: set beside what this process has.
    init(_ arguments: [String] = [], environment: [String: String] = [:]) throws {
        // In memory, unless somebody says otherwise: a file has one server.
        var database: TestDatabase?
        let store = try StoreUnderTest.options(arguments, &database)
        self.database = database
        let tls = TLSUnderTest.options
        isEncrypted = !tls.isEmpty
        // Tests fail more often than a client may, unless they are about that.
        let throttle = arguments.contains("--throttle") ? [] : ["--no-throttle"]
        let addresses =
            ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"] + store + throttle + tls
        let variables = environment.map { "\($0.key)=\($0.value)" }
        program = try ChildProcess(
            "/usr/bin/env",
            variables + [ChildProcess.binary.path, "serve"] + addresses + arguments,
            isWatched: true)
        let deadline = Date(timeIntervalSinceNow: 30)
        while Date() < deadline, program.isRunning {
            let output = program.errorOutput
            let expression = /listening on https?:\/\/[\d.]+:(\d+), probes on http:\/\/[\d.]+:(\d+)/
            if let match = output.firstMatch(of: expression),
                let port = UInt16(match.1), let adminPort = UInt16(match.2)
            {
                self.port = port
                self.adminPort = adminPort
                return
            }
            usleep(10_000)
        }
        program.stop(SIGKILL)
        throw StartTimeout(output: program.errorOutput)
    }

    deinit {
        program.stop(SIGKILL)
    }

    /// A server of its own for the body, terminated afterwards.
    static func with<Value>(
        _ arguments: String..., body: (ServerProcess) throws -> Value
    ) throws -> Value {
        let server = try ServerProcess(arguments)
        defer { server.program.stop(SIGTERM) }
        return try body(server)
    }

    /// - Parameter isAwaited: false where the server is not to take the connection now.
    func connect(timeoutSeconds: Int = 20, isAwaited: Bool = true) throws -> HTTPConnection {
        try HTTPConnection(
            port: port, timeoutSeconds: timeoutSeconds,
            tls: isEncrypted ? TLSClient(TLSUnderTest.clientContext.get()) : nil,
            isAwaited: isAwaited)
    }

    /// The answer to one request on a connection of its own.
    func answer(to call: Call) throws -> HTTPResponse {
        let connection = try connect()
        try connection.send(call.bytes)
        return try connection.readResponse(isHead: call.method == "HEAD")
    }

    /// The first answer to these exact bytes on a connection of its own.
    func answer(toRaw text: String) throws -> HTTPResponse {
        let connection = try connect()
        try connection.send(text)
        return try connection.readResponse()
    }

    func isServing() throws -> Bool {
        try program.isRunning && answer(to: Call("GET", "/healthz")).status == 200
    }
}
