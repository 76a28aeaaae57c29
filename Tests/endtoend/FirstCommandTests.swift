// What is refused leaves nothing: a command on a store that nobody has used, and a start on an address that
// somebody else has. Whose world a store is the first one says who does something there.

import Foundation
import Testing

@Suite struct FirstCommandTests {
    private let store: ProductionStore
    private var fresh: String { "sqlite:\(store.folder)/fresh.db" }

    init() throws { store = try ProductionStore() }

    private func expectNothing(
        _ outcome: Outcome, _ statuses: Set<Int32>, here: SourceLocation = #_sourceLocation
    ) throws {
        let said = "\(outcome.arguments): \(outcome.errors)"
        let isRefused = outcome.status.map { statuses.contains($0) } == true
        #expect(isRefused, "\(said)", sourceLocation: here)
        let ours = try store.files().keys.filter { $0.hasPrefix("fresh.db") }
        #expect(ours == [], "\(said)", sourceLocation: here)
    }

    /// Each command that there is, with a name that nobody can have.
    @Test(
        arguments: Command.all.filter {
            $0.options.contains("store") && !$0.options.contains("mode")
                && $0.words != ["store", "migrate"]
        })
    func everyRefusedCommandLeavesNothing(command: Command) throws {
        let query = command.words == ["audit", "find"] ? ["--consent", "c"] : []
        let whose = command.words == ["tokens", "revoke"] ? ["--fi", "a b"] : []
        let what = command.words == ["psp", "set"] ? ["--status", "withdrawn"] : []
        let yes = ["remove", "revoke", "reset"].contains(command.words.last) ? ["--yes"] : []
        var needed = command.needed.map { $0 == "PSDGB-FCA-100009" ? "a b" : $0 }
        if command.words == ["psp", "import"] {
            needed = ["\(store.folder)/list.jsonl"]
            try Data("{\"reference\":\"a b\"}\n".utf8).write(to: URL(filePath: needed[0]))
        }
        let outcome = try Outcome.run(
            command.words + needed + query + whose + what + yes + ["--store", fresh])
        try expectNothing(outcome, [64, 65, 66, 71, 73, 78])
    }

    /// And the store may still become a sandbox.
    @Test func refusedFirstChangeSettlesNoMode() throws {
        let list = "\(store.folder)/list.jsonl"
        let wrong = #"{"reference":"psp","redirect_uris":["javascript:x"]}"#
        try Data("\(wrong)\n".utf8).write(to: URL(filePath: list))
        for (arguments, status) in [
            (["fi", "add", "short"], 65),
            (["fi", "add", "PSDGB-FCA-100001", "--client", "a:b"], 65),
            (["psp", "add", "psp", "--redirect-uri", "https://h..example/"], 65),
            (["psp", "add", "psp", "--redirect-uri", "javascript.x:y"], 65),
            (["psp", "import", list], 65), (["psp", "import", list, "--dry-run"], 66),
            (["psp", "add", "psp", "--audit-log", "\(store.folder)/nowhere/a"], 74),
            (["fi", "add-client", "PSDGB-FCA-100001", "gateway"], 66),
        ] as [([String], Int32)] {
            try expectNothing(try Outcome.run(arguments + ["--store", fresh]), [status])
        }
        // A secret that cannot be printed.
        let full = try ChildProcess.run(
            "/bin/sh",
            [
                "-c", "exec \"$0\" \"$@\" > /dev/full", ChildProcess.binary.path, "fi", "add",
                "PSDGB-FCA-100001", "--store", fresh,
            ])
        #expect(full.status == 74, "\(full.errors)")
        #expect(try store.files().keys.contains("fresh.db.registry") == false)
        try ServerProcess.with("--store", fresh) { server in
            let answer = try server.answer(to: .clientCredentials)
            #expect(answer.status == 201)
        }
    }

    @Test func firstChangeMakesARegistryAndSaysSo() throws {
        let added = try Outcome.run(["psp", "add", "psp", "--store", fresh])
        #expect(added.status == 0)
        #expect(added.errors.contains("made a new registry for production: "), "\(added.errors)")
        let again = try Outcome.run(["psp", "add", "other", "--store", fresh])
        #expect(again.status == 0 && !again.errors.contains("made a new"), "\(again.errors)")
        let listed = try Outcome.run(["psp", "list", "--json", "--store", fresh]).jsonList()
        #expect(listed.count == 2)
    }

    /// Commands write about the registry before there is a store: however much that is, none was lost.
    @Test func longLogOfCommandsIsNoTraceOfAServer() throws {
        let log = "\(store.folder)/fresh.db.audit"
        let long = String(repeating: "x", count: 120)
        var (count, bytes) = (0, 0)
        while bytes <= 64 * 1024 {
            let name = "\(long)\(count)"
            let words = ["psp", "add", name, "--redirect-uri", "https://\(count).example/\(long)"]
            let added = try Outcome.run(words + ["--store", fresh])
            try #require(added.status == 0, "\(added.errors)")
            count += 1
            bytes = try Data(contentsOf: URL(filePath: log)).count
        }
        try ServerProcess.with("--mode", "production", "--store", fresh) { server in
            let isServing = try server.isServing()
            #expect(isServing)
        }
    }

    @Test(arguments: ["--listen", "--admin-listen"], ["sandbox", "production"])
    func startOnABusyAddressLeavesNothing(option: String, mode: String) throws {
        let server = try ServerProcess.shared()
        let busy = "127.0.0.1:\(option == "--listen" ? server.port : server.adminPort)"
        let other = option == "--listen" ? "--admin-listen" : "--listen"
        let outcome = try Outcome.run([
            "serve", "--mode", mode, "--store", fresh, "--audit-log",
            "\(store.folder)/fresh.db.audit",
            option, busy, other, "127.0.0.1:0",
        ])
        #expect(
            outcome.errors.contains("\(busy) is in use by another process"), "\(outcome.errors)")
        try expectNothing(outcome, [71])
        #expect(try server.isServing())
    }

    /// Who has misspelt the path is not sent to look for its keys.
    @Test func copyOfAStoreThatIsNotThereSaysSo() throws {
        let outcome = try Outcome.run([
            "store", "copy", "--from", fresh, "--to", "postgres://o@127.0.0.1:1/o", "--audit-log",
            "none",
        ])
        try expectNothing(outcome, [66])
        #expect(outcome.errors.contains("there is no store at"), "\(outcome.errors)")
    }
}
