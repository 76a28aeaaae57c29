// A key's life by its commands: it is made, seals, opens, is needed, and goes when nothing needs it any
// more. No command drops a key before.

import Foundation
import Testing

@Suite struct KeyCommandTests {
    private let store: ProductionStore

    init() throws { store = try ProductionStore() }

    private var file: String { "\(store.folder)/store.db.keys" }

    private func serve(_ body: (Bank) throws -> Void) throws {
        let server = try ServerProcess(store.option)
        defer { #expect(server.program.stop(SIGTERM) == 0) }
        try body(Bank(server: server))
    }

    private func list() throws -> [[String: Any]] {
        let outcome = try store.run("keys", "list", "--json")
        #expect(outcome.status == 0, "\(outcome.errors)")
        return try outcome.jsonList()
    }

    private func states() throws -> [String] {
        try list().map { try #require($0["state"] as? String) }
    }

    private func key(_ index: Int) throws -> String {
        try #require(try list()[index]["fingerprint"] as? String)
    }

    /// It says why, and leaves the file as it is.
    private func expectRefusal(
        _ arguments: [String], _ status: Int32, _ says: String,
        here: SourceLocation = #_sourceLocation
    ) throws {
        let before = try Data(contentsOf: URL(filePath: file))
        let outcome = try store.run(arguments)
        #expect(outcome.status == status, "\(outcome.errors)", sourceLocation: here)
        #expect(outcome.errors.contains(says), "\(outcome.errors)", sourceLocation: here)
        #expect(outcome.errorLines.count == 1, "\(outcome.errors)", sourceLocation: here)
        #expect(try Data(contentsOf: URL(filePath: file)) == before, sourceLocation: here)
    }

    @Test func keyGoesOnlyWhenNothingNeedsIt() throws {
        try serve { (_) throws in #expect(try states() == ["seals"]) }
        let first = try key(0)
        try store.command("keys", "rotate")
        #expect(try states() == ["seals from the next start on", "seals until the next start"])
        try expectRefusal(["keys", "retire", first], 65, "restart the server")
        try expectRefusal(["keys", "retire", try key(0)], 65, "rotate first")
        try expectRefusal(["keys", "retire", try key(0), "--force"], 65, "rotate first")
        try expectRefusal(["keys", "retire", "0123456"], 65, "at least 8")
        try expectRefusal(["keys", "retire", "0123456789"], 65, "no key")
        var token = ""
        try serve { (bank) throws in
            #expect(try states() == ["seals", "opens"])
            token = try bank.newToken()
            // Nothing was issued under the first, so it goes while a server runs.
            try store.command("keys", "retire", String(first.prefix(8)))
            #expect(try states() == ["seals"])
        }
        let second = try key(0)
        try store.command("keys", "rotate")
        try serve { (bank) throws in
            #expect(try bank.isActive(token))
            let rows = try list()
            #expect(rows.map { $0["tokens"] as? Int } == [0, 1])
            #expect(rows.map { $0["codes"] as? Int } == [0, 1], "its replay must be recognised")
            #expect(rows.map { $0["counted"] as? String } == ["exactly", "exactly"])
            try expectRefusal(["keys", "retire", second], 65, "1 token, 1 code and 0 CCG tokens")
            try expectRefusal(
                ["keys", "retire", second, "--force"], 71, "in use by a server")
        }
        try expectRefusal(["keys", "retire", second], 65, "the last expires 20")
        try store.command("keys", "retire", second, "--force")
        #expect(try states() == ["seals"])
        try serve { (bank) throws in
            #expect(try !bank.isActive(token), "void, as the command has said")
            #expect(try bank.isActive(try bank.newToken()))
        }
    }

    /// By hand, or from an old copy of the file.
    @Test func startWithoutANeededKeyNamesIt() throws {
        var tokens: [String] = []
        try serve { tokens.append(try $0.newToken()) }
        let first = try key(0)
        try store.command("keys", "rotate")
        if StoreUnderTest.isPostgres {
            // Every server opens the new key before any seals with it.
            try serve { _ in }
            try store.command("keys", "rotate")
        }
        try serve { tokens.append(try $0.newToken()) }
        let whole = try String(contentsOfFile: file, encoding: .utf8)
        for line in whole.split(separator: "\n") {
            try write("\(line)\n")
            let outcome = try store.run(
                "serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
            #expect(outcome.status == 78, "\(outcome.errors)")
            #expect(outcome.errors.contains("is missing from the key file"))
            try expectRefusal(["keys", "rotate"], 78, "is missing from the key file")
            let listed = try store.run("keys", "list")
            #expect(listed.status == 78 && listed.errors.contains("is missing from the key file"))
            #expect(listed.output.contains("missing"), "\(listed.output)")
        }
        try write(whole)
        try serve { (bank) throws in for token in tokens { #expect(try bank.isActive(token)) } }
        // What was lost for good can be given up, and the rest goes on.
        try write(String(whole.prefix(33)))
        try store.command("keys", "retire", first, "--force")
        try serve { (bank) throws in
            #expect(try tokens.map { try bank.isActive($0) } == [false, true])
        }
    }

    /// The registry and what is issued from now on stay.
    @Test func storeGoesOnWhoseKeysAreLostForGood() throws {
        var token = ""
        try serve { token = try $0.newToken() }
        let lost = try key(0)
        try FileManager.default.removeItem(atPath: file)
        let made = try ChildProcess.run(ChildProcess.binary.path, ["keys", "create", file])
        #expect(made.status == 0, "\(made.errors)")
        let listed = try store.run("keys", "list", "--json")
        #expect(listed.status == 78 && listed.output.contains(lost), "\(listed.output)")
        try expectRefusal(["keys", "retire", lost], 78, "does not belong")
        try store.command("keys", "retire", lost, "--force")
        try serve { (bank) throws in
            #expect(try !bank.isActive(token))
            #expect(try bank.isActive(try bank.newToken()))
        }
    }

    private func write(_ content: String) throws {
        try Data(content.utf8).write(to: URL(filePath: file))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
    }

    /// Of two rotations at once neither loses the other's key.
    @Test func rotationsAtOnceKeepEachOthersKeys() async throws {
        try serve { _ in }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<6 {
                group.addTask { [store] in try store.command("keys", "rotate") }
            }
            try await group.waitForAll()
        }
        #expect(
            Set(try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")).count == 7
        )
        try serve { (_) throws in
            #expect(try states() == ["seals"] + Array(repeating: "opens", count: 6))
        }
    }

    @Test func listIsForPeopleAsWell() throws {
        try serve { _ in }
        try store.command("keys", "rotate")
        let output = try store.command("keys", "list").output
        let lines = output.split(separator: "\n")
        #expect(lines.count == 3)
        let columns = [
            "FINGERPRINT", "STATE", "FIRST USE", "AGE", "TOKENS", "CODES", "CCG TOKENS", "COUNTED",
        ]
        for column in columns { #expect(lines[0].contains(column)) }
        #expect(lines[1].contains("never used") && lines[2].contains("0 days"))
    }
}
