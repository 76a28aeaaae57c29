// What is answered stays: restarts, key rotation, backup, and the refusals at the start.

import Foundation
import Testing

@Suite struct DurabilityTests {
    private final class Folder {
        let path = NSTemporaryDirectory() + "obie-durable-\(UUID().uuidString)"
        var store: String { "\(path)/store.db" }
        init() throws {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    private func command(_ arguments: String...) throws -> (status: Int32?, errors: String) {
        let outcome = try ChildProcess.run(ChildProcess.binary.path, arguments)
        return (outcome.status, outcome.errors)
    }

    private func isActive(_ token: String, _ server: ServerProcess) throws -> Bool {
        try server.answer(to: IntrospectionTests.call("token=\(token)")).json()["active"] as? Bool
            ?? false
    }

    @Test func tokensAndCodesSurviveRestartRotationAndRestore() throws {
        let folder = try Folder()
        var (fresh, spent, token) = ("", "", "")
        try ServerProcess.with("--store", "sqlite:\(folder.store)") { (server) throws in
            fresh = try server.newCode()
            spent = try server.newCode()
            token = try #require(
                server.answer(to: .exchange(spent)).data()["access_token"] as? String)
            #expect(try isActive(token, server))
            // While it serves.
            let backup = try command(
                "backup", "--store", "sqlite:\(folder.store)", "\(folder.path)/copy.db")
            #expect(backup.status == 0, "\(backup.errors)")
            let again = try command(
                "backup", "--store", "sqlite:\(folder.store)", "\(folder.path)/copy.db")
            #expect(again.status == 73)
        }
        #expect(try command("keys", "rotate", "--store", "sqlite:\(folder.store)").status == 0)
        let keys = try String(contentsOfFile: "\(folder.store).keys", encoding: .utf8)
        #expect(keys.split(separator: "\n").count == 2)
        try ServerProcess.with("--store", "sqlite:\(folder.store)") { (server) throws in
            #expect(try isActive(token, server))
            #expect(try server.answer(to: .exchange(fresh)).status == 201)
            #expect(try server.answer(to: .exchange(spent)).status == 403)
            #expect(try !isActive(token, server), "the replay revoked it")
        }
        try ServerProcess.with("--store", "sqlite:\(folder.path)/copy.db") { (server) throws in
            #expect(try isActive(token, server), "the copy is from before the replay")
            #expect(try server.answer(to: .exchange(fresh)).status == 201)
        }
    }

    /// A supervisor may signal the process and its group. The end is clean all the same: the log
    /// has moved into the file.
    @Test func repeatedSignalsDoNotCutTheEndShort() throws {
        let folder = try Folder()
        let outcome = try ChildProcess.run(
            "/usr/bin/timeout",
            [
                "2", ChildProcess.binary.path, "serve", "--listen", "127.0.0.1:0",
                "--admin-listen", "127.0.0.1:0", "--store", "sqlite:\(folder.store)",
            ])
        #expect(outcome.status == 124, "timeout(1) says that it has ended the program")
        #expect(outcome.errors.hasSuffix("\"message\":\"stopped\"}\n"), "\(outcome.errors)")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(Set(files) == ["store.db", "store.db.keys", "store.db.lock", "store.db.registry"])
    }

    @Test func filesAreForThisUserOnly() throws {
        let folder = try Folder()
        try ServerProcess.with("--store", "sqlite:\(folder.store)") { _ in
            let copy = "\(folder.path)/copy.db"
            #expect(try command("backup", "--store", "sqlite:\(folder.store)", copy).status == 0)
            for file in [folder.store, copy].flatMap({ [$0, "\($0).keys", "\($0).registry"] }) {
                let attributes = try FileManager.default.attributesOfItem(atPath: file)
                #expect(attributes[.posixPermissions] as? Int == 0o600, "\(file)")
            }
        }
    }

    @Test func secondServerLostKeysAndOtherModeAreRefusedInOneLine() throws {
        let folder = try Folder()
        func start(_ extra: String...) throws -> (Int32?, String) {
            let outcome = try ChildProcess.run(
                ChildProcess.binary.path,
                [
                    "serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--store",
                    "sqlite:\(folder.store)",
                ] + extra)
            return (outcome.status, outcome.errors)
        }
        try ServerProcess.with("--store", "sqlite:\(folder.store)") { (server) throws in
            let (status, errors) = try start()
            #expect(status == 71)
            #expect(errors.contains("in use by another server"))
            #expect(errors.split(separator: "\n").count == 1)
            #expect(try server.isServing())
        }
        let (status, errors) = try start("--mode", "production")
        #expect(status == 71)
        #expect(errors.contains("sandbox mode"))
        try FileManager.default.removeItem(atPath: "\(folder.store).keys")
        let (lost, reason) = try start()
        #expect(lost == 78)
        #expect(reason.contains("key file"))
        try Data("no database at all, but long enough to be read as one".utf8).write(
            to: URL(filePath: "\(folder.path)/other.db"))
        let other = try command("serve", "--store", "sqlite:\(folder.path)/other.db")
        #expect(other.status == 78)
        #expect(other.errors.contains("other.db"))
    }
}
