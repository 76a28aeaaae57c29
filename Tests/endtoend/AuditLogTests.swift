// The audit log of a server in production, from the answer that a caller reports to the explanation
// that an operator reads; and what a crash must not leave behind.

import Foundation
import Glibc
import Testing

@Suite struct AuditLogTests {
    private func audit(_ arguments: String...) throws -> (status: Int32?, output: String) {
        let outcome = try ChildProcess.run(ChildProcess.binary.path, ["audit"] + arguments)
        return (outcome.status, outcome.output + outcome.errors)
    }

    /// The id of the first error object.
    private func errorID(_ response: HTTPResponse) throws -> String {
        let errors = try #require(try response.json()["errors"] as? [[String: Any]])
        return try #require(errors.first?["id"] as? String)
    }

    /// The log is written within a moment, not before the answer.
    private func explanation(_ id: String, _ log: String) throws -> String {
        for _ in 0..<500 {
            let found = try audit("find", id, log)
            if found.status == 0 { return found.output }
            usleep(10_000)
        }
        return ""
    }

    @Test func errorThatACallerReportsIsExplained() throws {
        let folder = NSTemporaryDirectory() + "obie-audit-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let log = "\(folder)/audit"
        try ServerProcess.with("--audit-log", log) { server in
            let code = try server.newCode()
            try expectToken(server.answer(to: .exchange(code)))
            let replay = try explanation(try errorID(server.answer(to: .exchange(code))), log)
            #expect(replay.contains("code_used"))
            #expect(replay.contains("api-consumer-id"))
            #expect(replay.contains("PSDGB-FCA-222222"))
            let wrong = Call.exchange(code).setting("Authorization", "Basic eDp5")
            let failed = try explanation(try errorID(server.answer(to: wrong)), log)
            #expect(failed.contains("credentials_wrong"))
            let malformed = try explanation(
                try errorID(server.answer(toRaw: "GET / HTTP/1.1\r\n\r\n")), log)
            #expect(malformed.contains("Host"))
            #expect(try audit("find", UUID().uuidString.lowercased(), log).status == 1)
        }
        let whole = try audit("verify", log)
        #expect(whole.status == 0, "\(whole.output)")
        // The start, five answers, the end.
        #expect(whole.output.contains("lines 7"), "\(whole.output)")
        var lines = try String(contentsOfFile: log, encoding: .utf8)
        lines = lines.replacing("code_used", with: "code_fine")
        try lines.write(toFile: log, atomically: true, encoding: .utf8)
        #expect(try audit("verify", log).status == 1)
    }

    @Test func logThatCannotBeWrittenIsRefusedAtTheStart() throws {
        let outcome = try ChildProcess.run(
            ChildProcess.binary.path,
            [
                "serve", "--store", "memory", "--listen", "127.0.0.1:0", "--admin-listen",
                "127.0.0.1:0", "--audit-log", "/nowhere/audit",
            ])
        #expect(outcome.status == 71)
        #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
        #expect(outcome.errors.contains("--audit-log"))
    }

    /// What dies by a signal leaves a core where the system writes them, with all secrets in it.
    @Test func crashLeavesNoCore() throws {
        func cores(_ program: String) throws -> Int {
            let folder = NSTemporaryDirectory() + "obie-core-\(UUID().uuidString)"
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let script = """
                (cd '\(folder)'; ulimit -c unlimited; SWIFT_BACKTRACE=enable=no exec \(program)) &
                pid=$!
                for i in $(seq 500); do
                    grep -q 'listening on' '\(folder)/log' 2>/dev/null && break
                    sleep 0.01
                done
                kill -SEGV $pid
                wait $pid
                ls '\(folder)' | grep -c '^core'
                """
            let outcome = try ChildProcess.run("/bin/bash", ["-c", script])
            return try #require(
                Int(outcome.output.split(separator: "\n").last ?? ""), "\(outcome.errors)")
        }
        // Where the system would write none of anything, there is nothing to see.
        guard try cores("sh -c 'echo listening on >log; exec sleep 60'") > 0 else { return }
        let binary = ChildProcess.binary.path
        let server =
            "'\(binary)' serve --store memory --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 2>log"
        #expect(try cores(server) == 0)
    }
}
