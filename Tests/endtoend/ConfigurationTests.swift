// Flags, variables and the file: which one counts, and what is said of a mistake.

import Foundation
import Testing

@Suite struct ConfigurationTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    struct Outcome {
        let status: Int32?
        let output: String
        let errors: String
    }

    /// Runs the program with these variables only, beside PATH.
    func run(
        _ arguments: [String], _ environment: [String: String] = [:]
    ) throws -> Outcome {
        let variables = environment.map { "\($0.key)=\($0.value)" }
        let result = try ChildProcess.run(
            "/usr/bin/env", ["-i"] + variables + [ChildProcess.binary.path] + arguments)
        return Outcome(status: result.0, output: result.1, errors: result.2)
    }

    func withFile<Value>(_ text: String, body: (String) throws -> Value) throws -> Value {
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try text.write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        return try body(file.path)
    }

    /// What `config show` says of one setting: its value and where that comes from.
    func shown(
        _ name: String, _ arguments: [String], _ environment: [String: String] = [:]
    ) throws -> [String] {
        let outcome = try run(arguments, environment)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let list = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
        let entries = try #require(list as? [[String: String]])
        let entry = try #require(entries.first { $0["setting"] == name })
        return [entry["value"] ?? "", entry["origin"] ?? ""]
    }

    @Test func flagGoesBeforeVariableBeforeFileBeforeDefault() throws {
        try withFile("# ours\n\n  idle-timeout =  41 \nloops=2\n") { (path: String) throws in
            let show = ["config", "show", "--json"]
            let variable = ["OBIE_TOKENS_IDLE_TIMEOUT": "42"]
            let inFile = show + ["--config", path]
            #expect(try shown("idle-timeout", show) == ["75", "default"])
            #expect(try shown("idle-timeout", inFile) == ["41", "\(path):3"])
            #expect(
                try shown("idle-timeout", inFile, variable)
                    == ["42", "environment OBIE_TOKENS_IDLE_TIMEOUT"])
            #expect(
                try shown("idle-timeout", inFile + ["--idle-timeout", "43"], variable)
                    == ["43", "flag"])
            #expect(
                try shown("loops", show, ["OBIE_TOKENS_CONFIG": path]) == ["2", "\(path):4"])
        }
    }

    /// One sentence that names the fix, the status by sysexits(3), never a backtrace.
    func expectRefusal(
        _ outcome: Outcome, _ status: Int32, _ words: String...,
        here: SourceLocation = #_sourceLocation
    ) {
        #expect(outcome.status == status, "\(outcome.errors)", sourceLocation: here)
        let lines = outcome.errors.split(separator: "\n")
        let sentences = lines.filter {
            $0.contains("rror: ") || $0.contains(#""level":"error""#)
        }
        #expect(sentences.count == 1, "\(outcome.errors)", sourceLocation: here)
        // ArgumentParser adds how it is used.
        #expect(lines.count == (status == 64 ? 3 : 1), "\(outcome.errors)", sourceLocation: here)
        for word in words {
            #expect(outcome.errors.contains(word), "\(outcome.errors)", sourceLocation: here)
        }
        #expect(outcome.output.isEmpty, sourceLocation: here)
        #expect(!outcome.errors.contains("Backtrace"), sourceLocation: here)
    }

    static let serve = [
        "serve", "--store", "memory", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
    ]

    @Test func unknownFlagIsRefused() throws {
        expectRefusal(try run(Self.serve + ["--idle-timeuot", "3"]), 64, "--idle-timeout")
    }

    @Test(arguments: [
        ("idle-timeuot = 3", "line 1", "idle-timeout"), ("\nlisten 127.0.0.1:0", "line 2", "="),
        ("loops = 2\nloops = 3", "line 2", "line 1"), ("[server]", "line 1", "name = value"),
        ("idle-timeout = 3x", "line 1", "1 to 3600"), ("mode = prodution", "line 1", "production"),
        ("listen = localhost", "line 1", "IP:PORT"), ("throttle = maybe", "line 1", "yes"),
        ("loops =", "line 1", "1 to 256"),
    ])
    func wrongLineIsRefused(text: String, line: String, fix: String) throws {
        try withFile(text) { (path: String) throws in
            expectRefusal(try run(Self.serve + ["--config", path]), 78, path, line, fix)
            expectRefusal(
                try run(["psp", "list"], ["OBIE_TOKENS_CONFIG": path]), 78, path, line, fix)
        }
    }

    @Test func wrongVariableIsRefused() throws {
        expectRefusal(
            try run(Self.serve, ["OBIE_TOKENS_LOPS": "2"]), 78, "OBIE_TOKENS_LOPS",
            "OBIE_TOKENS_LOOPS")
        expectRefusal(
            try run(Self.serve, ["OBIE_TOKENS_LOOPS": "two"]), 78, "OBIE_TOKENS_LOOPS", "1 to 256")
    }

    /// They are in every container beside a Kubernetes service of the name obie-tokens.
    @Test func variablesOfKubernetesAreNotOurs() throws {
        let theirs = [
            "OBIE_TOKENS_SERVICE_HOST": "10.0.0.1", "OBIE_TOKENS_SERVICE_PORT_HTTP": "8080",
            "OBIE_TOKENS_PORT": "tcp://10.0.0.1:8080", "OBIE_TOKENS_PORT_8080_TCP_ADDR": "10.0.0.1",
        ]
        #expect(try run(["config", "show"], theirs).status == 0)
    }

    @Test func unreadableFileIsRefused() throws {
        expectRefusal(
            try run(Self.serve + ["--config", "/nonexistent.conf"]), 66, "/nonexistent.conf",
            "--config")
    }

    @Test func badAddressIsRefused() throws {
        expectRefusal(try run(["serve", "--listen", "nonsense"]), 64, "--listen", "127.0.0.1:8080")
        expectRefusal(
            try run(["serve", "--store", "memory", "--listen", "192.0.2.1:80"]), 71, "--listen")
    }

    /// Nothing that is typed is repeated: there may be a password in it.
    @Test func storeInADatabaseIsRefusedWithWhatIsMissing() throws {
        let store = "postgres://obie@127.0.0.1:1/obie"
        let password = try run(["fi", "list", "--store", "postgres://a:secret@db1/obie"])
        expectRefusal(password, 64, "--store", "store-password-file")
        #expect(!password.errors.contains("secret"))
        expectRefusal(
            try run(["serve", "--store", store, "--audit-log", "none"]), 78, "keys-file",
            "obie-tokens keys create")
        expectRefusal(
            try run(["serve", "--store", store, "--mode", "production", "--keys-file", "x"]), 78,
            "audit-log", "none")
        expectRefusal(
            try run(["fi", "list", "--store", store, "--store-password-file", "/nonexistent"]), 78,
            "/nonexistent")
        expectRefusal(
            try run(["fi", "list", "--store", store]), 71, "cannot connect to the database")
        expectRefusal(
            try run(["serve", "--store", "memory", "--require-standby"]), 64, "--require-standby")
        expectRefusal(
            try run(["backup", "x", "--keys-file", "x", "--store", store]), 78, "x")
        expectRefusal(try run(["check", "--store", store]), 78, "pg_amcheck")
        expectRefusal(try run(["store", "migrate", "--store", "memory"]), 64, "postgres://")
        expectRefusal(try run(["store", "migrate", "--store", store]), 71, "127.0.0.1:1")
    }

    @Test func missingCredentialIsRefused() throws {
        let store = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        let serve = ["serve", "--keys-file", "credential:keys", "--store", "sqlite:\(store)"]
        expectRefusal(try run(serve), 78, "LoadCredential=keys:")
        expectRefusal(
            try run(serve, ["CREDENTIALS_DIRECTORY": "/nonexistent"]), 78, "/nonexistent/keys",
            "obie-tokens keys create")
        #expect(!FileManager.default.fileExists(atPath: store))
    }

    @Test func madeKeysAreNeverOverwritten() throws {
        let keys = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: keys) }
        #expect(try run(["keys", "create", keys.path]).status == 0)
        let content = try String(contentsOf: keys, encoding: .utf8)
        let mode = try FileManager.default.attributesOfItem(atPath: keys.path)[.posixPermissions]
        #expect(mode as? Int == 0o600)
        expectRefusal(try run(["keys", "create", keys.path]), 73, "keys rotate")
        #expect(try String(contentsOf: keys, encoding: .utf8) == content)
    }

    @Test func sampleAndDocumentationAreWhatTheTableSays() throws {
        let table = try run(["config", "table"]).output
        #expect(
            try documentation().contains {
                $0.contains("<!-- settings -->\n\(table)<!-- end of settings -->")
            }, "obie-tokens config table")
        // With every default written out it says the same.
        let lines = try run(["config", "sample"]).output.split(separator: "\n").filter {
            $0.hasPrefix("#") && !$0.hasPrefix("# ")
        }
        #expect(lines.count == table.split(separator: "\n").count - 2)
        let written = lines.filter { !$0.hasSuffix("=") }.map { $0.dropFirst() }
        try withFile(written.joined(separator: "\n")) { (path: String) throws in
            #expect(try run(["config", "show", "--config", path]).status == 0)
        }
    }

    /// The README and what stands in docs.
    private func documentation() throws -> [String] {
        let docs = Self.root.appending(path: "docs")
        let enumerator = FileManager.default.enumerator(at: docs, includingPropertiesForKeys: nil)
        let pages = (enumerator?.compactMap { $0 as? URL } ?? []).filter {
            $0.pathExtension == "md"
        }
        return try ([Self.root.appending(path: "README.md")] + pages).map {
            try String(contentsOf: $0, encoding: .utf8)
        }
    }

    struct SettingRow {
        let name: String
        let fallback: String
        let isReloadable: Bool
        let help: String
    }

    /// The rows of the documentation's table.
    private func settingRows() throws -> [SettingRow] {
        let rows = try run(["config", "table"]).output.split(separator: "\n").dropFirst(2)
        #expect(rows.count > 15)
        return rows.map { row in
            let cells = row.replacing("\\|", with: "/").split(separator: "|").map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            #expect(cells.count == 5, "\(row)")
            return SettingRow(
                name: cells[0].trimmingCharacters(in: ["`"]), fallback: cells[2],
                isReloadable: cells[3] == "yes", help: cells[4])
        }
    }

    /// A flag is made from its row; nobody has to remember it.
    @Test func everySettingIsAFlagWithItsDefault() throws {
        let help = try run(["serve", "--help"]).output.split { $0.isWhitespace }
        let text = help.joined(separator: " ")
        for row in try settingRows() {
            let isSwitch = ["yes", "no"].contains(row.fallback)
            let twin = isSwitch ? "--no-\(row.name) says no; " : ""
            #expect(text.contains(" --\(row.name)"))
            #expect(text.contains("\(row.help) (\(twin)default: \(row.fallback))"), "\(row.name)")
        }
    }

    @Test func hangUpReloadsWhatItCan() throws {
        try withFile("idle-timeout = 60\nloops = 1\n") { (path: String) throws in
            let server = try ServerProcess(["--config", path])
            defer { server.program.stop(SIGTERM) }
            func reload(_ text: String, until said: String) throws {
                try text.write(toFile: path, atomically: true, encoding: .utf8)
                server.program.send(SIGHUP)
                for _ in 0..<500 where !server.program.errorOutput.contains(said) { usleep(10_000) }
                #expect(server.program.errorOutput.contains(said))
            }
            let connection = try server.connect()
            try connection.send(Call("GET", "/healthz").bytes)
            #expect(try connection.readResponse().status == 200)
            // Nothing, or with certificates no setting.
            try reload(
                "idle-timeout = x\n", until: " was reloaded: idle-timeout in \(path), line 1")
            try reload("idle-timeout = 1\nloops = 2\n", until: "loops can only change at a restart")
            #expect(
                server.program.errorOutput.contains("reloaded: idle-timeout is 1 now, it was 60"))
            // It counts for connections that are there, too.
            #expect(try connection.readUntilClose().isEmpty)
        }
    }

    /// Every setting whose default is a number or yes or no gets another value, all at once.
    @Test func tableSaysWhatHangUpChanges() throws {
        let rows = try settingRows().filter {
            // The last one is refused for a store in a file.
            !["throttle", "listen", "admin-listen", "store", "require-standby"].contains($0.name)
        }
        var text = ""
        var expected: [String] = []
        for row in rows {
            let other =
                Int(row.fallback).map { "\($0 + 1)" }
                ?? ["yes": "no", "no": "yes"][row.fallback]
            guard let other else { continue }
            text += "\(row.name) = \(other)\n"
            expected.append(
                row.isReloadable
                    ? "reloaded: \(row.name) is \(other) now"
                    : "\(row.name) can only change at a restart")
        }
        #expect(expected.count > 5)
        try withFile("") { (path: String) throws in
            let server = try ServerProcess(["--config", path])
            defer { server.program.stop(SIGTERM) }
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            server.program.send(SIGHUP)
            func isTold(_ line: String) -> Bool { server.program.errorOutput.contains(line) }
            for _ in 0..<500 where !expected.allSatisfy(isTold) { usleep(10_000) }
            for line in expected { #expect(isTold(line), "\(line)") }
        }
    }
}
