// Every file of a store × missing, older, foreign, unreadable: what a start and a command say, and that
// neither touches anything.

import Foundation
import Glibc
import Testing

@Suite struct FileTroubleTests {
    enum Trouble: CaseIterable {
        case missing, older, foreign, noise, otherProgram
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let file: String
        let trouble: Trouble
        /// Of the start. nil: it serves.
        let status: Int32?
        /// Of `fi add`, where no server runs. 0: it is done.
        let command: Int32
        /// What the sentence has to say.
        var says = ""
        var testDescription: String { "store.db\(file) \(trouble)" }
    }

    static let rows: [Row] = [
        Row(file: "", trouble: .missing, status: 78, command: 0, says: "is missing"),
        // What was issued since is void, and nobody gets anybody's.
        Row(file: "", trouble: .older, status: nil, command: 0),
        Row(file: "", trouble: .foreign, status: 78, command: 78, says: "does not belong"),
        Row(file: "", trouble: .noise, status: 78, command: 78, says: "was not touched"),
        Row(file: "", trouble: .otherProgram, status: 78, command: 78, says: "was not touched"),
        Row(file: ".registry", trouble: .missing, status: 78, command: 78, says: "is missing"),
        Row(file: ".registry", trouble: .older, status: 78, command: 78, says: "is older"),
        Row(file: ".registry", trouble: .foreign, status: 78, command: 78, says: "does not belong"),
        Row(file: ".registry", trouble: .noise, status: 78, command: 78, says: "was not touched"),
        Row(
            file: ".registry", trouble: .otherProgram, status: 78, command: 78,
            says: "was not touched"),
        // Commands need no keys, and a new audit log is begun.
        Row(file: ".audit", trouble: .missing, status: nil, command: 0),
        Row(file: ".audit", trouble: .older, status: nil, command: 0),
    ]

    /// A database in WAL mode, which SQLite changes when it is opened.
    private static func otherProgram() throws -> Data {
        let path = NSTemporaryDirectory() + "obie-foreign-\(UUID().uuidString)"
        defer {
            do {
                try FileManager.default.removeItem(atPath: path)
            } catch { Issue.record(error) }
        }
        let made = try ChildProcess.run(
            "/usr/bin/env",
            [
                "python3", "-c",
                "import sqlite3,sys; d=sqlite3.connect(sys.argv[1]); "
                    + "d.execute('PRAGMA journal_mode=WAL'); d.execute('CREATE TABLE t (x)'); d.commit(); "
                    + "d.execute('PRAGMA wal_checkpoint(TRUNCATE)'); d.close()", path,
            ])
        try #require(made.status == 0, "\(made.errors)")
        return try Data(contentsOf: URL(filePath: path))
    }

    private func troubled(_ row: Row) throws -> TroubledStore {
        let states = try StoreStates.shared.get()
        let troubled = try TroubledStore(states.new)
        let data: Data? =
            switch row.trouble {
            case .missing: nil
            case .older: states.old[row.file]
            case .foreign: states.foreign[row.file]
            case .noise: Data(String(repeating: "no database at all. ", count: 100).utf8)
            case .otherProgram: try Self.otherProgram()
            }
        try troubled.put(data, row.file)
        if row.trouble == .foreign, row.file.isEmpty {
            try troubled.put(states.foreign[".keys"], ".keys")
        }
        return troubled
    }

    @Test(arguments: rows)
    func startSaysWhatToDoAndTouchesNothing(row: Row) throws {
        let troubled = try troubled(row)
        guard let status = row.status else {
            return try ServerProcess.with(
                "--mode", "production", "--store", "sqlite:\(troubled.path)"
            ) { (server) throws in #expect(try server.isServing()) }
        }
        let before = try troubled.contents()
        let outcome = try troubled.failedStart()
        #expect(outcome.status == status, "\(outcome.errors)")
        #expect(outcome.errorLines.count == 1, "\(outcome.errors)")
        #expect(outcome.errors.contains(row.says), "\(outcome.errors)")
        #expect(outcome.errors.contains(troubled.path))
        #expect(try troubled.contents() == before, "nothing is touched, nothing is left")
    }

    @Test(arguments: rows)
    func commandSaysWhatToDoAndTouchesNothing(row: Row) throws {
        let troubled = try troubled(row)
        let before = try troubled.store.files()
        let outcome = try troubled.store.run("fi", "add", "PSDGB-FCA-100009")
        #expect(outcome.status == row.command, "\(outcome.errors)")
        if row.command == 0 { return }
        #expect(outcome.errors.contains(row.says), "\(outcome.errors)")
        #expect(try troubled.store.files() == before, "nothing is touched, nothing is left")
    }

    /// What banks have seen: the number of one institution, given to another.
    @Test func registryThatIsLostNeverCountsAnew() throws {
        let states = try StoreStates.shared.get()
        let troubled = try TroubledStore(states.new)
        try troubled.put(nil, ".registry")
        #expect(try troubled.store.run("fi", "add", "PSDGB-FCA-900001").status == 78)
        #expect(try troubled.store.files()["store.db.registry"] == nil)
        // Nor does an old one that commands have let grow past the number that the store has seen.
        try troubled.put(states.old[".registry"], ".registry")
        for number in 1...9 {
            let outcome = try troubled.store.run("psp", "add", "PSDGB-FCA-90000\(number)")
            #expect(outcome.status == 78, "\(outcome.errors)")
        }
        #expect(try troubled.failedStart().status == 78)
        // Brought back, all is as it was.
        try troubled.put(states.new[".registry"], ".registry")
        try ServerProcess.with("--mode", "production", "--store", "sqlite:\(troubled.path)") {
            (server) throws in
            let bank = Bank(
                server: server, clientID: states.clientID, secret: states.secret,
                institution: ProductionServer.first, provider: ProductionServer.provider,
                redirectURI: ProductionServer.redirectURI)
            #expect(try bank.isActive(states.token))
        }
    }

    /// The keys are read at the start only.
    @Test(arguments: [("", 503), ("-wal", 503), (".registry", 503), (".keys", 200), (".lock", 200)])
    func fileThatIsMovedWhileServingIsToldOnce(row: (suffix: String, ready: Int)) throws {
        let troubled = try TroubledStore(try StoreStates.shared.get().new)
        let path = troubled.path + row.suffix
        try ServerProcess.with("--mode", "production", "--store", "sqlite:\(troubled.path)") {
            (server) throws in
            try FileManager.default.moveItem(atPath: path, toPath: path + ".moved")
            try expectReady(server, row.ready)
            usleep(1_200_000)
            try expectReady(server, row.ready)
            // The first line of the log names the store, too.
            let lines = server.program.errorLines.filter {
                $0.contains("warning") && $0.contains(path)
            }
            #expect(lines.count == (row.ready == 503 ? 1 : 0), "\(lines)")
            if row.suffix == ".lock" { return }
            try FileManager.default.moveItem(atPath: path + ".moved", toPath: path)
            try expectReady(server, 200)
        }
    }

    private func expectReady(_ server: ServerProcess, _ status: Int) throws {
        var found = 0
        for _ in 0..<200 where found != status {
            let connection = try HTTPConnection(port: server.adminPort, timeoutSeconds: 20)
            try connection.send(Call("GET", "/readyz").bytes)
            found = try connection.readResponse().status
            usleep(10_000)
        }
        #expect(found == status)
    }

    @Test(arguments: ["", ".registry", ".registry-journal", "-shm", ".lock"])
    func fileOfAnotherUserIsNamedWithItsOwner(suffix: String) throws {
        let troubled = try TroubledStore(try StoreStates.shared.get().new)
        if suffix == "-shm" || suffix == ".registry-journal" { try troubled.put(Data(), suffix) }
        try troubled.giveAway()
        let file = troubled.path + suffix
        try troubled.set(suffix, mode: 0o444, owner: 0)
        let before = try troubled.store.files()
        let outcome = try troubled.failedStart(as: true)
        #expect(outcome.status == 77, "\(outcome.errors)")
        #expect(
            outcome.errors.contains("\(file), which belongs to user \(geteuid()) with mode 444"))
        #expect(outcome.errors.contains(geteuid() == 0 ? "`chown 65534 \(file)`" : "`chmod u+rw"))
        #expect(try troubled.store.files() == before)
        // The same command after what it has said.
        try troubled.set(suffix, mode: 0o600, owner: TroubledStore.user)
        let again = try ChildProcess.run(
            "/usr/bin/timeout",
            ["3"]
                + (geteuid() == 0
                    ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [])
                + [
                    ChildProcess.binary.path, "serve", "--mode", "production", "--listen",
                    "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
                ] + troubled.store.option)
        #expect(again.errors.contains("listening on"), "\(again.errors)")
    }

    @Test func folderThatTakesNoFilesIsNamed() throws {
        let troubled = try TroubledStore(try StoreStates.shared.get().new)
        try troubled.giveAway()
        let files = FileManager.default
        let folder = troubled.store.folder
        try files.setAttributes([.posixPermissions: 0o555], ofItemAtPath: folder)
        let outcome = try troubled.failedStart(as: true)
        try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder)
        #expect(outcome.status == 77, "\(outcome.errors)")
        #expect(
            outcome.errors.contains("may not make \(troubled.path) in \(folder), which belongs"))
    }
}
