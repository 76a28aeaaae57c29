// obie-tokens psp import: a list is taken over as a whole, or not at all.

import Foundation
import Testing

@Suite struct ProviderImportTests {
    private let store: ProductionStore

    init() throws {
        store = try ProductionStore()
        try store.command("psp", "add", "old", "--redirect-uri", "https://old.example/")
    }

    private func list(_ lines: String...) throws -> String {
        let path = "\(store.folder)/list.jsonl"
        try Data(lines.joined(separator: "\n").utf8).write(to: URL(filePath: path))
        return path
    }

    private func registry() throws -> [UInt8]? { try store.files()["store.db.registry"] }

    @Test func listIsTakenOverOnce() throws {
        let path = try list(
            "\u{FEFF}"
                + #"{"reference":"new","redirect_uris":["https://new.example/"],"name":"New"}"#,
            "", "  \r",
            #"{"reference":"old","status":"withdrawn","services":["payments"],"name":null}"#)
        let done = try store.command("psp", "import", path, "--json")
        let counts = try done.json()
        #expect(counts["added"] as? Int == 1 && counts["changed"] as? Int == 1)
        #expect(counts["withdrawn"] as? [String] == ["old"])
        #expect(counts["outcome"] as? String == "written")
        #expect((counts["sha256"] as? String)?.count == 64)
        let old = try store.command("psp", "show", "old", "--json").json()
        #expect(old["status"] as? String == "withdrawn")
        #expect(old["redirect_uris"] as? [String] == ["https://old.example/"])
        let new = try store.command("psp", "show", "new", "--json").json()
        #expect(new["name"] as? String == "New" && new["status"] as? String == "authorised")
        let before = try registry()
        let again = try store.command("psp", "import", path)
        #expect(again.errors.contains("0 added, 0 changed, 2 unchanged"))
        #expect(try registry() == before)
        let lines = try audited().filter { $0["change"]?.contains("import") == true }
        let (begun, changed) = ("registry_change_begun", "registry_changed")
        #expect(lines.map { $0["event"] } == [begun, begun, changed, begun, changed])
        let sentence = try #require(lines[0]["change"])
        #expect(sentence.contains("1 added, 1 changed") && sentence.contains("SHA-256"))
        #expect(lines[1]["change"] == "provider old set by the import: status withdrawn")
        #expect(lines[1]["psp"] == "old", "found by its name")
        #expect(lines[2]["change"] == sentence)
        #expect(Set(lines.prefix(3).map { $0["registry_version"] }).count == 1)
        // What changes nothing makes no version, so neither line has one.
        #expect(lines[3]["registry_version"] == nil && lines[4]["registry_version"] == nil)
        let nothing = try #require(lines[3]["change"])
        #expect(nothing.contains("0 added, 0 changed"))
        #expect(lines[4]["change"] == "nothing new: \(nothing)")
    }

    private func audited() throws -> [[String: String]] {
        let log = try String(contentsOfFile: "\(store.folder)/store.db.audit", encoding: .utf8)
        return try log.split(separator: "\n").map { line in
            try #require(
                try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
        }
    }

    /// The disk takes the lines of the audit log, and not all rows.
    @Test func changeThatFailsIsNoChangeInTheAuditLog() throws {
        let before = try store.command("psp", "list", "--json").output
        let lines =
            (1...3000).map { #"{"reference":"psp-\#($0)","redirect_uris":["https://x.example/"]}"# }
            + [#"{"reference":"old","status":"withdrawn"}"#]
        let path = "\(store.folder)/list.jsonl"
        try Data(lines.joined(separator: "\n").utf8).write(to: URL(filePath: path))
        let failed = try ChildProcess.run(
            "/bin/bash",
            [
                "-c", #"ulimit -f 300; exec "$0" psp import "$@""#, ChildProcess.binary.path, path,
            ] + store.option)
        #expect(failed.status == 71, "\(failed.errors)")
        #expect(try store.command("psp", "list", "--json").output == before)
        let told = try audited().suffix(3)
        let begun = "registry_change_begun"
        #expect(told.map { $0["event"] } == [begun, begun, "registry_change_failed"])
        #expect(told.last?["change"]?.hasPrefix("not done: providers imported") == true)
        try store.command("psp", "import", path)
        let versions = try audited().suffix(6).map { $0["registry_version"] }
        #expect(Set(versions).count == 1, "the one that failed has left its version to the next")
    }

    @Test func emptyListIsRefusedUnlessItIsMeant() throws {
        let before = try store.files()
        for content in ["", "\n \r\n"] {
            let path = try list(content)
            for arguments in [[], ["--dry-run"], ["--json"]] {
                let refused = try store.run(["psp", "import", path] + arguments)
                #expect(refused.status == 65 && refused.output.isEmpty)
                #expect(refused.errors.contains("names no provider; nothing was changed"))
                #expect(refused.errors.contains("--allow-empty"))
            }
            let taken = try store.command("psp", "import", path, "--allow-empty")
            #expect(taken.errors.contains("0 added, 0 changed, 0 unchanged"))
        }
        #expect(try store.files()["store.db.registry"] == before["store.db.registry"])
    }

    @Test func dryRunPrintsTheDifferenceAndChangesNothing() throws {
        let path = try list(
            #"{"reference":"new"}"#, #"{"reference":"old","services":[],"redirect_uris":[]}"#)
        let before = try store.files()
        let dry = try store.command("psp", "import", path, "--dry-run")
        let lines = dry.output.split(separator: "\n")
        #expect(lines.count == 2)
        let all = "services accounts, payments, fundsconfirmations"
        #expect(lines.first.map(String.init) == "added    new  status authorised; \(all)")
        let services = "services accounts, payments, fundsconfirmations -> none"
        let changed = "changed  old  \(services); redirect URI https://old.example/ removed"
        #expect(lines.last.map(String.init) == changed)
        #expect(dry.errors.contains("nothing was changed"))
        let json = try store.command("psp", "import", path, "--dry-run", "--json").json()
        let changes = try #require(json["changes"] as? [[String: Any]])
        #expect(changes.map { $0["change"] as? String } == ["added", "changed"])
        #expect(changes[0]["differences"] as? [String] == ["status authorised", all])
        #expect(try store.files() == before)
    }

    @Test func faultsAreToldWithTheirLinesAndNothingChanges() throws {
        let path = try list(
            #"{"reference":"good"}"#, "nonsense", #"{"status":"withdrawn"}"#,
            #"{"reference":"a","redirect_uri":["https://a.example/"]}"#,
            #"{"reference":"b","status":"gone"}"#, #"{"reference":"c","services":["x"]}"#,
            #"{"reference":"d","redirect_uris":["javascript:x"]}"#, #"{"reference":"good"}"#,
            #"{"reference":"e","services":"accounts"}"#)
        let before = try registry()
        for arguments in [[], ["--dry-run"], ["--json"]] {
            let outcome = try store.run(["psp", "import", path] + arguments)
            #expect(outcome.status == 65 && outcome.output.isEmpty)
            for line in 2...9 { #expect(outcome.errors.contains("line \(line): "), "\(line)") }
            #expect(outcome.errors.contains("did you mean redirect_uris?"), "\(outcome.errors)")
            #expect(outcome.errors.contains("has 8 faults; nothing was changed"))
            #expect(try registry() == before)
        }
    }

    /// A list comes from outside: its texts reach no terminal as they are, and none fills a screen.
    @Test func textsOfAListAreToldAsOneLine() throws {
        let path = try list(
            #"{"reference":"P\u001b[2JX","status":"withdrawn"}"#,
            #"{"reference":"two","redirect_uris":["x\nobie-tokens: the list is imported\u202e"]}"#,
            #"{"reference":"three","\u001b[31m":"1"}"#,
            "{\"reference\":\"four\",\"redirect_uris\":[\"https://"
                + String(repeating: "x", count: 100_000)
                + "\"]}")
        let refused = try store.run(["psp", "import", path])
        #expect(refused.status == 65)
        let lines = refused.errors.split(separator: "\n")
        #expect(lines.count == 5 && lines.allSatisfy { $0.hasPrefix("obie-tokens: error: ") })
        #expect(lines[1].contains(#"x\u{A}obie-tokens: the list is imported\u{202E}"#))
        #expect(lines.allSatisfy { $0.utf8.count < 5000 })
        #expect(refused.errors.utf8.allSatisfy { $0 >= 0x20 || $0 == 0x0A })
    }

    @Test func listMayBeStandardInputAndAMissingOneIs66() throws {
        let missing = try store.run("psp", "import", "\(store.folder)/missing")
        #expect(missing.status == 66 && missing.errors.contains("missing"))
        let shell = try ChildProcess.run(
            "/bin/sh",
            [
                "-c", #"echo '{"reference":"piped"}' | "$0" psp import - "$@""#,
                ChildProcess.binary.path,
            ] + store.option)
        #expect(shell.status == 0, "\(shell.errors)")
        try store.command("psp", "show", "piped")
    }

    @Test func runningServerTakesItOver() throws {
        let server = try ProductionServer()
        let bank = server.bank
        let path = "\(server.store.folder)/list.jsonl"
        let lines =
            (1...3000).map { #"{"reference":"psp-\#($0)","services":["accounts"]}"# }
            + [#"{"reference":"\#(bank.provider)","status":"withdrawn"}"#]
        try Data(lines.joined(separator: "\n").utf8).write(to: URL(filePath: path))
        let done = try server.store.command("psp", "import", path)
        #expect(done.errors.contains(StoreUnderTest.inForce))
        try expectErrors(
            bank.server.answer(to: bank.makeCode()), 403, "psp_not_authorised", on: bank.server)
        let late = bank.clientCredentials(psp: Call.json("psp-3000"))
        #expect(try bank.server.answer(to: late).status == 201)
    }
}
