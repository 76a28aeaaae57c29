// A folder that is not there, of every file that a setting or a command names: it is called a missing
// folder, and nothing is left behind that was not there before.

import Foundation
import Testing

@Suite struct MissingFolderTests {
    private let store: ProductionStore
    private var nowhere: String { "\(store.folder)/nowhere" }
    private var fresh: String { "sqlite:\(store.folder)/fresh.db" }

    init() throws { store = try ProductionStore() }

    private func expectMissing(
        _ outcome: Outcome, _ status: Int32, _ before: [String: [UInt8]],
        here: SourceLocation = #_sourceLocation
    ) throws {
        let said = "\(outcome.arguments): \(outcome.errors)"
        #expect(outcome.status == status, "\(said)", sourceLocation: here)
        #expect(
            outcome.errors.contains("there is no folder \(nowhere)"), "\(said)",
            sourceLocation: here)
        #expect(outcome.output.isEmpty, "\(said)", sourceLocation: here)
        let after = try store.files()
        #expect(after.keys.sorted() == before.keys.sorted(), "\(said)", sourceLocation: here)
        // Whoever locks a store forgets what its last server has taken over.
        for (name, bytes) in before where !name.hasSuffix(".lock") {
            #expect(after[name] == bytes, "\(said): \(name)", sourceLocation: here)
        }
    }

    /// Store, keys, audit log and password × mode.
    @Test(arguments: ["sandbox", "production"])
    func startMakesNothing(mode: String) throws {
        let start = [
            "serve", "--mode", mode, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
        ]
        let elsewhere = "\(nowhere)/file"
        for (wrong, status) in [
            (["--store", "sqlite:\(elsewhere)"], 71),
            (["--store", "sqlite:\(elsewhere)", "--audit-log", "\(store.folder)/a"], 71),
            (["--store", "sqlite:\(elsewhere)", "--keys-file", "\(store.folder)/k"], 71),
            (["--store", fresh, "--audit-log", elsewhere], 71),
            (["--store", fresh, "--keys-file", elsewhere], 71),
            (["--store", fresh, "--keys-file", elsewhere, "--audit-log", elsewhere], 71),
            (["--store", fresh, "--config", elsewhere], 66),
        ] as [([String], Int32)] {
            try expectMissing(try Outcome.run(start + wrong), status, [:])
        }
        // The folder is a file.
        let file = "\(store.folder)/fresh.db"
        try Data().write(to: URL(filePath: file))
        let outcome = try Outcome.run(start + ["--store", "sqlite:\(file)/store.db"])
        #expect(outcome.status == 71)
        #expect(outcome.errors.contains("\(file) is a file and no folder"), "\(outcome.errors)")
    }

    /// Given to each command that has the option; migration is about databases only.
    @Test(
        arguments: Command.all.filter {
            $0.options.contains("store") && !$0.options.contains("mode")
                && $0.words != ["store", "migrate"]
        })
    func commandOnAStoreMakesNothing(command: Command) throws {
        let query = command.words == ["audit", "find"] ? ["--consent", "c"] : []
        let whose = command.words == ["tokens", "revoke"] ? ["--fi", "PSDGB-FCA-100009"] : []
        let what =
            switch command.words {
            case ["psp", "set"]: ["--status", "withdrawn"]
            case ["fi", "set"]: ["--certificate", "none"]
            default: [String]()
            }
        let needed = command.words == ["psp", "import"] ? [try oneLine()] : command.needed
        let yes = ["remove", "revoke", "reset"].contains(command.words.last) ? ["--yes"] : []
        let outcome = try Outcome.run(
            command.words + needed + query + whose + what + yes
                + ["--store", "sqlite:\(nowhere)/store.db"])
        let makes = ["add", "import"].contains(command.words.last)
        try expectMissing(outcome, makes ? 71 : 66, [:])
    }

    /// The folder is there, and no store in it; then only its registry. Nothing is made.
    @Test(arguments: [["check"], ["compact"]])
    func missingStoreIsAnInputThatIsNotThere(command: [String]) throws {
        let nothing = try store.run(command)
        #expect(nothing.status == 66 && nothing.errors.contains("there is no store"))
        #expect(nothing.errors.contains("--store"), "what to do")
        #expect(try store.files().isEmpty)
        _ = try store.addInstitution(ProductionServer.first)
        let before = try store.files()
        let registry = try store.run(command)
        #expect(registry.status == 66 && registry.errors.contains("there is no store"))
        #expect(try store.files() == before)
    }

    @Test func missingRegistryIsToldByTheCheck() throws {
        _ = try store.addInstitution(ProductionServer.first)
        let server = try store.serve()
        #expect(server.program.stop(SIGTERM) == 0)
        try FileManager.default.removeItem(atPath: "\(store.folder)/store.db.registry")
        let outcome = try store.run("check")
        #expect(outcome.status == 66 && outcome.errors.contains("there is no registry"))
        #expect(outcome.errors.contains("restore a backup"))
    }

    /// A list of providers, in a folder of its own.
    private func oneLine() throws -> String {
        let path = "\(NSTemporaryDirectory())/obie-list-\(UUID().uuidString).jsonl"
        try Data("{\"reference\":\"PSDGB-FCA-222222\"}\n".utf8).write(to: URL(filePath: path))
        return path
    }

    /// A change that could not be written down is not made, and no secret is printed for it.
    @Test func commandWithoutItsAuditLogChangesNothing() throws {
        _ = try store.addInstitution(ProductionServer.first)
        try store.command("psp", "add", "PSP-1", "--redirect-uri", "https://one.example/back")
        let server = try store.serve()
        #expect(server.program.stop(SIGTERM) == 0)
        try store.command("backup", "\(store.folder)/copy.db")
        let before = try store.files()
        let audit = ["--audit-log", "\(nowhere)/audit"]
        for words in [
            ["fi", "add", "PSDGB-FCA-100009"], ["fi", "rotate-secret", ProductionServer.first],
            ["fi", "disable", ProductionServer.first],
            ["fi", "remove", ProductionServer.first, "--yes"],
            ["psp", "add", "PSP-2"], ["psp", "disable", "PSP-1"],
            ["psp", "remove", "PSP-1", "--yes"],
            ["psp", "add-redirect-uri", "PSP-1", "https://two.example/"],
            ["tokens", "revoke", "--fi", ProductionServer.first, "--yes"],
            ["keys", "rotate"], ["keys", "retire", "0123456789", "--force"],
            ["backup", "\(store.folder)/other.db"], ["restore", "\(store.folder)/copy.db"],
            ["reset", "--yes"],
        ] { try expectMissing(try store.run(words + audit), 74, before) }
        // Nothing has to be written down.
        for words in [["fi", "list"], ["psp", "show", "PSP-1"], ["keys", "list"], ["check"]] {
            #expect(try store.run(words + audit).status == 0)
        }
        // There is no registry yet.
        let empty = try ProductionStore()
        let outcome = try empty.run(["fi", "add", "PSDGB-FCA-100009"] + audit)
        #expect(outcome.status == 74 && outcome.output.isEmpty, "\(outcome.errors)")
        #expect(try empty.files().isEmpty)
    }

    @Test func otherFilesOfCommandsAreToldAsWell() throws {
        let server = try store.serve()
        #expect(server.program.stop(SIGTERM) == 0)
        let before = try store.files()
        let file = "\(nowhere)/file"
        try expectMissing(try store.run("backup", file), 71, before)
        try expectMissing(try store.run("restore", file), 66, before)
        for words in [
            ["keys", "rotate"], ["keys", "list"], ["backup", "\(store.folder)/copy.db"],
        ] {
            try expectMissing(try store.run(words + ["--keys-file", file]), 78, before)
        }
        try expectMissing(try Outcome.run(["keys", "create", file]), 73, before)
        try expectMissing(try Outcome.run(["audit", "verify", file]), 66, before)
        try expectMissing(try Outcome.run(["audit", "find", "--consent", "c", file]), 66, before)
        try expectMissing(try Outcome.run(["audit", "verify", "--audit-log", file]), 66, before)
        try expectMissing(try Outcome.run(["fi", "list", "--config", file]), 66, before)
        try expectMissing(
            try Outcome.run([
                "fi", "list", "--store", "postgres://o@127.0.0.1:1/o", "--store-password-file",
                file,
            ]), 78, before)
    }
}
