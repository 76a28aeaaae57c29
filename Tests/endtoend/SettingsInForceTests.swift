// Settings at work: every command finds the same store and keys, and SIGHUP never ends a server.

import Foundation
import Glibc
import Testing

extension ConfigurationTests {
    /// An empty folder, removed afterwards.
    func withFolder<Value>(body: (String) throws -> Value) throws -> Value {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try body(folder.path)
    }

    @Test func showTellsWhatDefaultsComeTo() throws {
        let show = ["config", "show", "--json"]
        let production = ["OBIE_TOKENS_MODE": "production", "OBIE_TOKENS_STORE": "sqlite:/a/b.db"]
        #expect(try shown("keys-file", show, production) == ["/a/b.db.keys", "default"])
        #expect(try shown("audit-log", show, production) == ["/a/b.db.audit", "default"])
        #expect(try shown("audit-log", show) == ["none", "default"])
        let loops = try shown("loops", show)
        #expect((1...256).contains(Int(loops[0]) ?? 0), "\(loops)")
        // Two loops take 8 descriptors each, probes and files 64 (docs/limits.md).
        let few = try ChildProcess.run(
            "/bin/sh",
            [
                "-c", "ulimit -n 500 && exec \"$0\" config show --loops 2",
                ChildProcess.binary.path,
            ])
        let rows = few.output.split(separator: "\n").map { $0.split(separator: " ") }
        #expect(rows.contains(["max-connections", "420", "default"]), "\(few.output)")
        #expect(Int(try shown("max-connections", show)[0]) ?? 0 > 0)
        let listen = ["OBIE_TOKENS_LISTEN": "127.0.0.1:8123"]
        #expect(try shown("public-url", show, listen) == ["http://127.0.0.1:8123", "default"])
        let free = ["OBIE_TOKENS_LISTEN": "127.0.0.1:0"]
        #expect(try shown("public-url", show, free)[0].contains("listen address"))
    }

    /// In a container or a unit nobody repeats --store.
    @Test func everyCommandFindsTheStoreOfTheServer() throws {
        try withFolder { (folder) throws in
            let variables = ["OBIE_TOKENS_STORE": "sqlite:\(folder)/store.db"]
            let add = ["psp", "add", "PSDGB-FCA-1", "--redirect-uri", "https://one.example/"]
            #expect(try run(add, variables).status == 0)
            #expect(try run(["fi", "add", "PSDGB-FCA-2"], variables).status == 0)
            try withFile("store = sqlite:\(folder)/store.db\n") { (path: String) throws in
                let file = ["OBIE_TOKENS_CONFIG": path]
                #expect(try run(["psp", "list"], file).output.contains("PSDGB-FCA-1"))
                #expect(try run(["fi", "list", "--config", path]).output.contains("PSDGB-FCA-2"))
                let server = try ServerProcess(
                    ["--mode", "production", "--store", "sqlite:\(folder)/store.db"])
                defer { server.program.stop(SIGTERM) }
                let revoke = ["tokens", "revoke", "--fi", "PSDGB-FCA-2", "--yes"]
                #expect(try run(revoke, file).status == 0)
                #expect(try run(["backup", "\(folder)/copy.db"], file).status == 0)
                #expect(FileManager.default.fileExists(atPath: "\(folder)/copy.db.keys"))
            }
        }
    }

    /// The keys stand elsewhere: as a file, and as a credential of the same content.
    @Test func keysOfAnyPlaceOpenWhatTheySealed() throws {
        try withFolder { (folder) throws in
            let keys = "\(folder)/credentials/keys"
            let manager = FileManager.default
            try manager.createDirectory(
                atPath: "\(folder)/credentials", withIntermediateDirectories: false)
            #expect(try run(["keys", "create", keys]).status == 0)
            let store = ["--store", "sqlite:\(folder)/store.db"]
            let file = ["OBIE_TOKENS_KEYS_FILE": keys]
            let credential = [
                "OBIE_TOKENS_KEYS_FILE": "credential:keys",
                "CREDENTIALS_DIRECTORY": "\(folder)/credentials",
            ]
            var code = ""
            do {
                let server = try ServerProcess(store, environment: file)
                code = try server.newCode()
                #expect(server.program.stop(SIGTERM) == 0)
            }
            #expect(try run(["keys", "rotate"] + store, file).status == 0)
            let rotated = try String(contentsOfFile: keys, encoding: .utf8)
            #expect(rotated.split(separator: "\n").count == 2)
            let server = try ServerProcess(store, environment: credential)
            #expect(try server.answer(to: .exchange(code)).status == 201)
            let copied = try run(["backup", "\(folder)/copy.db", "--keys-file", keys] + store)
            #expect(copied.status == 0, "\(copied.errors)")
            #expect(server.program.stop(SIGTERM) == 0)
            #expect(try String(contentsOfFile: keys, encoding: .utf8) == rotated)
            #expect(
                try String(contentsOfFile: "\(folder)/copy.db.keys", encoding: .utf8) == rotated)
            #expect(!manager.fileExists(atPath: "\(folder)/store.db.keys"))
        }
    }

    /// Its keys come through a pipe, so it waits in the middle of its start. The settings have been read by then.
    @Test func hangUpDuringTheStartIsTakenUpAfterIt() throws {
        try withFolder { (folder) throws in
            let keys = "\(folder)/keys"
            #expect(try run(["keys", "create", keys]).status == 0)
            let (pipe, config) = ("\(folder)/pipe", "\(folder)/config")
            try "log-level = info\n".write(toFile: config, atomically: true, encoding: .utf8)
            try #require(try ChildProcess.run("/usr/bin/mkfifo", [pipe]).status == 0)
            let server = try ChildProcess(
                ChildProcess.binary.path,
                Self.serve + [
                    "--store", "sqlite:\(folder)/store.db", "--keys-file", pipe, "--config", config,
                ],
                isWatched: true)
            defer { server.stop(SIGTERM) }
            // The pipe opens for writing once the server reads.
            let feeder = try ChildProcess.run(
                "/bin/sh",
                [
                    "-c",
                    "exec 3>\"$1\"; echo log-level = debug >\"$4\"; kill -HUP \"$2\"; cat \"$3\" >&3",
                    "sh", pipe, "\(server.processIdentifier)", keys, config,
                ])
            #expect(feeder.status == 0)
            let line = "reloaded: log-level is debug now, it was info"
            for _ in 0..<500 where server.isRunning && !server.errorOutput.contains(line) {
                usleep(10_000)
            }
            #expect(server.isRunning)
            #expect(server.errorOutput.contains("listening on"), "\(server.errorOutput)")
            #expect(server.errorOutput.contains(line), "\(server.errorOutput)")
        }
    }

    @Test func hangUpDuringTheEndIsHarmless() throws {
        try withFolder { (folder) throws in
            let server = try ServerProcess(["--store", "sqlite:\(folder)/store.db"])
            _ = try server.newCode()
            server.program.send(SIGTERM)
            let deadline = Date(timeIntervalSinceNow: 20)
            while server.program.isRunning, Date() < deadline {
                server.program.send(SIGHUP)
                usleep(200)
            }
            #expect(server.program.exitStatus() == 0)
        }
    }

    /// A reload takes over the limits of the server, but each loop keeps its share of the connections.
    @Test func hangUpLeavesTheNumberOfConnections() throws {
        try withFile("") { (path: String) throws in
            let server = try ServerProcess(
                ["--config", path, "--loops", "1", "--max-connections", "2"])
            defer { server.program.stop(SIGTERM) }
            try "idle-timeout = 50\n".write(toFile: path, atomically: true, encoding: .utf8)
            server.program.send(SIGHUP)
            let said = "reloaded: idle-timeout"
            for _ in 0..<500 where !server.program.errorOutput.contains(said) { usleep(10_000) }
            #expect(server.program.errorOutput.contains(said))
            // In the middle of a head no connection is idle.
            let busy = try (0..<2).map { _ in
                let connection = try server.connect()
                try connection.send(
                    Call("GET", "/healthz").bytes + Array("GET /healthz HTTP/1.1\r\n".utf8))
                #expect(try connection.readResponse().status == 200)
                return connection
            }
            let third = try server.connect(timeoutSeconds: 1, isAwaited: false)
            try third.send(Call("GET", "/healthz").bytes)
            #expect(throws: (any Error).self) { try third.readResponse() }
            for connection in busy {
                try connection.send("Host: a\r\n\r\n")
                #expect(try connection.readResponse().status == 200)
            }
        }
    }
}
