// A disk that fills up is told of before it is full; and a full disk of the audit log's stops nobody,
// unless it is strict.

import Foundation
import Glibc
import Testing

@Suite struct VolumeTests {
    private func page(_ server: ServerProcess, _ path: String) throws -> HTTPResponse {
        let connection = try HTTPConnection(port: server.adminPort)
        try connection.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
        return try connection.readResponse()
    }

    private func waitFor(_ word: String, _ server: ServerProcess) -> Bool {
        for _ in 0..<1500 {
            if server.program.errorOutput.contains(word) { return true }
            usleep(10_000)
        }
        return false
    }

    @Test func metricsTellWhatIsFree() throws {
        let store = try ProductionStore()
        let server = try store.serve()
        defer { server.program.stop(SIGKILL) }
        let text = try page(server, "/metrics").text
        for of in ["store", "audit"] {
            for name in ["free_bytes", "size_bytes"] {
                let sample = try Regex("obie_tokens_volume_\(name)\\{of=\"\(of)\"\\} [1-9]")
                #expect(try sample.firstMatch(in: text) != nil, "\(name) of \(of)")
            }
        }
    }

    /// A small disk of its own for the audit log: a mount, so for root alone.
    @Test(arguments: ["relaxed", "strict"])
    func fullDiskOfTheAuditLog(mode: String) throws {
        guard geteuid() == 0 else { return }
        let store = try ProductionStore()
        let disk = "\(store.folder)/disk"
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
        let mounted = try ChildProcess.run(
            "/bin/mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk])
        // Where nothing can be mounted there is nothing to be seen.
        guard mounted.status == 0 else { return }
        defer {
            do {
                _ = try ChildProcess.run("/bin/umount", [disk])
            } catch { Issue.record("\(error)") }
        }
        let server = try ServerProcess(
            ["--audit-log", "\(disk)/audit", "--audit", mode] + store.option)
        defer { server.program.stop(SIGKILL) }
        let code = try server.newCode()
        _ = try ChildProcess.run(
            "/bin/sh", ["-c", "head -c 2097152 /dev/zero > \(disk)/filler; true"])
        #expect(waitFor("the volume of the audit log is filling up", server))
        try exchange(code, server, disk, isStrict: mode == "strict")
    }

    private func exchange(
        _ code: String, _ server: ServerProcess, _ disk: String, isStrict: Bool
    ) throws {
        // Some find out, as long as there is room in the last block.
        for _ in 0..<40 where !server.program.errorOutput.contains("cannot be written") {
            _ = try server.answer(to: .makeCode())
            usleep(50_000)
        }
        #expect(waitFor("the audit log cannot be written", server))
        let answer = try server.answer(to: .exchange(code))
        #expect(answer.status == (isStrict ? 503 : 201))
        #expect(try page(server, "/readyz").status == (isStrict ? 503 : 200))
        try FileManager.default.removeItem(atPath: "\(disk)/filler")
        #expect(waitFor("the audit log is written again", server))
        #expect(try page(server, "/readyz").status == 200)
        // What was refused while it was known to fail is as it was.
        #expect(try server.answer(to: .exchange(code)).status == (isStrict ? 201 : 403))
    }
}
