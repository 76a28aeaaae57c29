// A command on a store uses the files that the store's server uses, without being told: else it would
// begin a second audit log, or change keys that nobody reads, and say that it was done.

import Foundation
import Testing

@Suite struct ServerFilesTests {
    private let store: ProductionStore
    private var log: String { "\(store.folder)/elsewhere.audit" }
    private var keys: String { "\(store.folder)/elsewhere.keys" }

    init() throws {
        store = try ProductionStore()
        try store.command("psp", "add", "PSP-1", "--redirect-uri", "https://one.example/back")
    }

    private func changes(_ path: String) throws -> [Substring] {
        try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
            .filter { $0.contains("registry_changed") }
    }

    private func keyCount(_ path: String) throws -> Int {
        try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").count
    }

    @Test(arguments: [true, false])
    func commandsFindTheServersFiles(isRunning: Bool) throws {
        let server = try store.serve("--audit-log", log, "--keys-file", keys)
        if !isRunning { #expect(server.program.stop(SIGTERM) == 0) }
        let other = "\(store.folder)/store.db.audit"
        let before = try Data(contentsOf: URL(fileURLWithPath: other))
        try store.command("psp", "disable", "PSP-1")
        #expect(try changes(log).last?.contains("PSP-1") == true)
        #expect(try Data(contentsOf: URL(fileURLWithPath: other)) == before)
        let rotation = try store.run("keys", "rotate")
        #expect(rotation.status == 0, "\(rotation.errors)")
        #expect(try keyCount(keys) == 2)
        #expect(!FileManager.default.fileExists(atPath: "\(store.folder)/store.db.keys"))
        #expect(rotation.errors.contains("keys-file is \(keys), as the store's server has it"))
        // What is said counts more than what is found.
        try store.command("psp", "enable", "PSP-1", "--audit-log", other)
        #expect(try changes(other).last?.contains("PSP-1") == true)
        if isRunning { #expect(server.program.stop(SIGTERM) == 0) }
    }

    /// What the file of settings says counts from the server's next start on; the running one decides.
    @Test(arguments: [true, false])
    func runningServerCountsMoreThanTheFile(isRunning: Bool) throws {
        let settings = "\(store.folder)/settings.conf"
        let other = "\(store.folder)/other.audit"
        try "audit-log = \(other)\nkeys-file = \(store.folder)/other.keys\n".write(
            toFile: settings, atomically: false, encoding: .utf8)
        let server = try store.serve("--audit-log", log, "--keys-file", keys)
        if !isRunning { #expect(server.program.stop(SIGTERM) == 0) }
        let disabled = try store.command("psp", "disable", "PSP-1", "--config", settings)
        let now = isRunning ? log : other
        #expect(try changes(now).last?.contains("PSP-1") == true)
        #expect(FileManager.default.fileExists(atPath: other) == !isRunning)
        let said = "audit-log is \(log), as the running server has it, and not \(other)"
        #expect(disabled.errors.contains(said) == isRunning, "\(disabled.errors)")
        let rotation = try store.run("keys", "rotate", "--config", settings)
        #expect(rotation.status == (isRunning ? 0 : 78), "\(rotation.errors)")
        #expect(try keyCount(keys) == (isRunning ? 2 : 1))
        if isRunning { #expect(server.program.stop(SIGTERM) == 0) }
    }

    /// It has set nothing, so the files beside the store are its own.
    @Test func defaultsOfARunningServerCountMoreThanTheFile() throws {
        let settings = "\(store.folder)/settings.conf"
        let other = "\(store.folder)/other.audit"
        try "audit-log = \(other)\n".write(toFile: settings, atomically: false, encoding: .utf8)
        let server = try store.serve()
        let outcome = try store.command("psp", "disable", "PSP-1", "--config", settings)
        #expect(outcome.errors.contains("audit-log is its default, as the running server has it"))
        #expect(try changes("\(store.folder)/store.db.audit").last?.contains("disabled") == true)
        #expect(!FileManager.default.fileExists(atPath: other))
        // A flag counts all the same, and the difference is told.
        let flag = try store.command("psp", "enable", "PSP-1", "--audit-log", other)
        #expect(
            flag.errors.contains("audit-log is \(other) (flag), and the store's running server has")
        )
        #expect(try changes(other).last?.contains("PSP-1") == true)
        // Without one they agree, and there is nothing to tell.
        #expect(!(try store.command("psp", "disable", "PSP-1").errors.contains("audit-log is")))
        #expect(server.program.stop(SIGTERM) == 0)
    }

    /// `audit` finds what the server writes, as every other command does.
    @Test func auditCommandsFindTheLogByTheSettings() throws {
        let settings = "\(store.folder)/settings.conf"
        try "store = sqlite:\(store.folder)/store.db\n".write(
            toFile: settings, atomically: false, encoding: .utf8)
        func find(_ options: String...) throws -> Outcome {
            let words = ["audit", "find", "--psp", "PSP-2"] + options
            let ended = try ChildProcess.run(ChildProcess.binary.path, words)
            return Outcome(
                arguments: words, status: ended.status, output: ended.output, errors: ended.errors)
        }
        // Beside the store, whether or not a server has ever run.
        let beside = "\(store.folder)/store.db.audit"
        let verified = try store.command("audit", "verify")
        #expect(verified.output.hasPrefix("lines 2\n"))
        #expect(verified.errors.contains("this is the audit log \(beside)"))
        // Where the server has put it.
        let server = try store.serve("--audit-log", log)
        #expect(
            try store.command("audit", "verify").errors.contains("this is the audit log \(log)"))
        for options in [["--config", settings], store.option, ["--audit-log", log]] {
            let words = ["audit", "find", "--since", "2026-01-01", "--json"] + options
            let found = try ChildProcess.run(ChildProcess.binary.path, words)
            #expect(found.status == 0, "\(words): \(found.errors)")
            #expect(found.output.contains(#""event":"started""#), "\(found.output)")
        }
        #expect(server.program.stop(SIGTERM) == 0)
        #expect(try find(beside, "--config", settings).status == 64)
        let none = try find("--audit-log", "none")
        #expect(none.status == 64 && none.errors.contains("name a file"), "\(none.errors)")
        let sandbox = try find("--store", "sqlite:\(store.folder)/sandbox.db")
        #expect(sandbox.status == 66 && sandbox.errors.contains("a sandbox writes none"))
        #expect(try find("--store", "memory").status == 64)
    }

    /// Neither a link nor a pipe in the place of the note is followed, or waited for.
    @Test(arguments: ["ln -s /etc/passwd", "mkfifo"])
    func whatIsNoNoteIsNone(make: String) throws {
        let server = try store.serve("--audit-log", log)
        #expect(server.program.stop(SIGTERM) == 0)
        let lock = "\(store.folder)/store.db.lock"
        let made = try ChildProcess.run("/bin/sh", ["-c", "rm \(lock) && \(make) \(lock)"])
        #expect(made.status == 0)
        let outcome = try store.run("keys", "list")
        #expect(outcome.status == 0, "\(outcome.errors)")
    }
}
