// The audit log of a server that starts, ends, crashes, and has its log moved away meanwhile.

import Foundation
import Glibc
import Testing

@Suite struct AuditRotationTests {
    private func audit(_ arguments: String...) throws -> (status: Int32?, output: String) {
        let outcome = try ChildProcess.run(ChildProcess.binary.path, ["audit"] + arguments)
        return (outcome.status, outcome.output + outcome.errors)
    }

    private func objects(_ path: String) throws -> [[String: Any]] {
        try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
            return try #require(object as? [String: Any])
        }
    }

    private func waitFor(_ word: String, _ server: ServerProcess) -> Bool {
        for _ in 0..<1000 {
            if server.program.errorOutput.contains(word) { return true }
            usleep(10_000)
        }
        return false
    }

    @Test func startAndEndAreInTheLog() throws {
        let store = try ProductionStore()
        let log = "\(store.folder)/store.db.audit"
        let server = try store.serve()
        server.program.stop(SIGTERM)
        let lines = try objects(log)
        #expect(lines.map { $0["event"] as? String } == ["started", "stopped"])
        let start = try #require(lines.first)
        #expect(start["mode"] as? String == "production")
        #expect(start["store"] as? String == store.address)
        #expect((start["version"] as? String)?.isEmpty == false)
        #expect((start["actor"] as? String)?.contains("uid ") == true)
        #expect(try audit("verify", log).output.contains("starts 1"))
    }

    @Test func crashShows() throws {
        let store = try ProductionStore()
        let log = "\(store.folder)/store.db.audit"
        let first = try store.serve()
        for _ in 0..<500 where try objects(log).isEmpty { usleep(10_000) }
        #expect(try audit("verify", log).output.contains("not stopped since"))
        first.program.stop(SIGKILL)
        let second = try store.serve()
        second.program.stop(SIGTERM)
        let (status, output) = try audit("verify", log)
        #expect(status == 0 && output.contains("starts 2"))
        #expect(output.matches(of: /crashed before 2/).count == 1)
        #expect(!output.contains("not stopped since"))
    }

    /// As logrotate does it: moves the file, and sends SIGHUP.
    @Test func hangUpGoesOnInANewFile() throws {
        let store = try ProductionStore()
        let log = "\(store.folder)/store.db.audit"
        let server = try store.serve()
        defer { server.program.stop(SIGKILL) }
        try store.command("psp", "add", "PSDGB-FCA-200001", "--redirect-uri", "https://a.example")
        try FileManager.default.moveItem(atPath: log, toPath: "\(log).2")
        server.program.send(SIGHUP)
        #expect(waitFor("was moved away", server))
        try FileManager.default.moveItem(atPath: log, toPath: "\(log).1")
        // A command comes before the server has found out; or after it, which is the same.
        try store.command("psp", "disable", "PSDGB-FCA-200001")
        server.program.stop(SIGTERM)
        // And one with nobody there.
        try FileManager.default.moveItem(atPath: log, toPath: "\(log).0")
        try store.command("psp", "enable", "PSDGB-FCA-200001")
        let files = ["\(log).2", "\(log).1", "\(log).0", log]
        let whole = try ChildProcess.run(ChildProcess.binary.path, ["audit", "verify"] + files)
        #expect(whole.status == 0, "\(whole.errors)")
        let alone = try audit("verify", log)
        #expect(alone.status == 0 && alone.output.contains("after "))
        let gap = try audit("verify", files[0], files[2], files[3])
        #expect(gap.status == 1 && gap.output.contains("lines are missing between \(files[0])"))
    }

    @Test func removedLogIsCountedAndMadeAnew() throws {
        let store = try ProductionStore()
        let log = "\(store.folder)/store.db.audit"
        let server = try store.serve()
        defer { server.program.stop(SIGKILL) }
        #expect(try losses(server) == 0)
        for _ in 0..<500 where try objects(log).isEmpty { usleep(10_000) }
        try FileManager.default.removeItem(atPath: log)
        #expect(waitFor("was removed with all its lines", server), "within seconds, unasked")
        #expect(try losses(server) == 1)
        #expect(try objects(log).map { $0["event"] as? String } == ["log_continued"])
    }

    private func losses(_ server: ServerProcess) throws -> Int? {
        let connection = try HTTPConnection(port: server.adminPort)
        try connection.send("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        let page = try connection.readResponse().text
        return page.firstMatch(of: /obie_tokens_audit_file_losses_total (\d+)/).flatMap {
            Int($0.1)
        }
    }

    @Test func symbolicLinkIsRefusedByServerAndCommands() throws {
        let store = try ProductionStore()
        let (link, target) = ("\(store.folder)/link", "\(store.folder)/target")
        try Data().write(to: URL(filePath: target))
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
        let served = try ChildProcess.run(
            ChildProcess.binary.path,
            [
                "serve", "--mode", "production", "--listen", "127.0.0.1:0", "--admin-listen",
                "127.0.0.1:0", "--audit-log",
                link,
            ] + store.option)
        #expect(served.status == 71 && served.errors.contains("symbolic link"))
        let added = try store.run(
            "psp", "add", "PSDGB-FCA-200001", "--redirect-uri", "https://a.example", "--audit-log",
            link)
        #expect(added.status == 74 && added.errors.contains("symbolic link"))
        #expect(try Data(contentsOf: URL(filePath: target)).isEmpty)
    }

    /// The service has to be able to open what a command of root's has made.
    @Test func whatRootMakesBelongsToTheOwnerOfTheStore() throws {
        guard geteuid() == 0 else { return }
        let store = try ProductionStore()
        let server = try store.serve("--audit-log", "none")
        server.program.stop(SIGTERM)
        for name in try FileManager.default.contentsOfDirectory(atPath: store.folder) {
            try #require(unsafe chown("\(store.folder)/\(name)", 65_532, 65_532) == 0)
        }
        try #require(unsafe chown(store.folder, 65_532, 65_532) == 0)
        try store.command("psp", "add", "PSDGB-FCA-200001", "--redirect-uri", "https://a.example")
        for name in ["store.db.audit", "store.db.audit.head"] {
            let attributes = try FileManager.default.attributesOfItem(
                atPath: "\(store.folder)/\(name)")
            #expect(attributes[.ownerAccountID] as? Int == 65_532, "\(name)")
            #expect(attributes[.posixPermissions] as? Int == 0o600, "\(name)")
        }
    }
}
