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
