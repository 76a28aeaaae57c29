// pgbouncer between the store and the database: where each transaction gets another connection, nothing
// that is set or prepared lasts, so that mode is recognised and refused.

import Foundation
import Testing

@testable import PostgresStore

extension OnPostgres {
    @Suite(.enabled(if: FileManager.default.fileExists(atPath: Pooler.program)))
    struct PoolerTests {
        @Test func sessionModeWorks() throws {
            let rig = try Rig()
            defer { rig.closeOrRecord() }
            let pooler = try Pooler("session", rig)
            defer { pooler.end() }
            let database = try pooler.database(rig)
            defer { database.close() }
            try rig.wait("the pooler") { database.isAvailable }
        }

        @Test func transactionModeIsRefused() throws {
            let rig = try Rig()
            defer { rig.closeOrRecord() }
            let pooler = try Pooler("transaction", rig)
            defer { pooler.end() }
            let database = try pooler.database(rig)
            defer { database.close() }
            try rig.wait("the refusal") {
                rig.lines.texts.contains { $0.contains("pool_mode = session") }
            }
            // What a connection before the refusal has answered counts for two seconds.
            let later = Date(timeIntervalSinceNow: 3)
            while Date() < later { rig.wait() }
            #expect(!database.isAvailable)
        }
    }
}

/// Debian's pgbouncer in front of the database under test.
private final class Pooler {
    static let program = "/usr/sbin/pgbouncer"
    private let folder = "/tmp/obie-pooler-\(UUID().uuidString)"
    private let port = Int.random(in: 20_000..<32_000)
    private let process = Process()

    init(_ mode: String, _ rig: Rig) throws {
        let keywords = Dictionary(try TestDatabase.keywords()) { $1 }
        let target = ["host", "port", "user", "password", "dbname"].compactMap { name in
            keywords[name].map { "\(name)=\($0)" }
        }
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o777])
        let settings = """
            [databases]
            test = \(target.joined(separator: " ")) connect_query='SET search_path = \(rig.schema)'
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = \(port)
            unix_socket_dir =
            auth_type = any
            pool_mode = \(mode)
            ignore_startup_parameters = extra_float_digits
            """
        try settings.write(toFile: "\(folder)/ini", atomically: true, encoding: .utf8)
        process.executableURL = URL(filePath: Pooler.program)
        process.arguments = (getuid() == 0 ? ["-u", "nobody"] : []) + ["-q", "\(folder)/ini"]
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    func database(_ rig: Rig) throws -> PostgresDatabase {
        try PostgresDatabase(
            hosts: [
                [("host", "127.0.0.1"), ("port", "\(port)"), ("user", "x"), ("dbname", "test")]
            ],
            nodeID: [7]
        ) { [lines = rig.lines] in lines.add($0) }
    }

    func end() {
        kill(process.processIdentifier, SIGKILL)
        do { try FileManager.default.removeItem(atPath: folder) } catch { Issue.record(error) }
    }
}
