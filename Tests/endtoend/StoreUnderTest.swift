// Which store the servers of tests use, where a test does not say: memory and files, or, where
// OBIE_TEST_STORE is `postgres`, a database for each in the PostgreSQL that TEST_POSTGRES_URL names.
// Tests/cluster/endtoend_test.py sets both, and leaves out what is about files.

import Foundation
import Testing

enum StoreUnderTest {
    private static let environment = ProcessInfo.processInfo.environment
    static let isPostgres = environment["OBIE_TEST_STORE"] == "postgres"

    /// What commands say of a change that every running server sees.
    static let inForce =
        isPostgres ? "in force on every running server" : "in force on the running server"

    /// What --json has of every change.
    static let outcomeMembers = ["outcome", "store"] + (isPostgres ? ["late", "silent"] : [])

    /// What a server is started with, where the test names no store.
    ///
    /// - Parameter database: is kept as long as the server lives.
    static func options(_ arguments: [String], _ database: inout TestDatabase?) throws -> [String] {
        let isNamed = arguments.contains { $0 == "--store" || $0.hasSuffix(TestDatabase.settings) }
        guard isPostgres, !isNamed else { return isNamed ? [] : ["--store", "memory"] }
        let made = try TestDatabase()
        database = made
        var options = ["--store", made.url]
        if !arguments.contains("--keys-file") { options += ["--keys-file", made.keys] }
        if !arguments.contains("--audit-log") { options += ["--audit-log", "none"] }
        return options
    }
}

/// A database with the tables in it, its key file, and a file of settings that names both. Gone with the
/// test.
final class TestDatabase: Sendable {
    /// The name of the file of settings.
    static let settings = "store-under-test.conf"

    let name = "e2e_" + UUID().uuidString.lowercased().replacing("-", with: "")
    let url: String
    let keys: String
    /// Of a folder that it has made itself.
    private let ownFolder: String?

    /// As messages have it.
    var place: String { "the database \(name) on \(Self.server)" }

    /// - Parameter folder: where its files go; nil: one of its own.
    init(in folder: String? = nil) throws {
        let place = folder ?? NSTemporaryDirectory() + "obie-database-\(UUID().uuidString)"
        ownFolder = folder == nil ? place : nil
        keys = "\(place)/store.db.keys"
        url = try Self.address("TEST_POSTGRES_SERVING_URL", of: name)
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        try Self.obieTokens("keys", "create", keys)
        let settings = """
            store = \(url)
            keys-file = \(keys)
            audit-log = \(place)/store.db.audit

            """
        let file = "\(place)/\(Self.settings)"
        try Data(settings.utf8).write(to: URL(filePath: file))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
        try Self.sql("CREATE DATABASE \(name) TEMPLATE \(Self.template.get())")
    }

    deinit {
        do {
            try Self.sql("DROP DATABASE \(name) WITH (FORCE)")
            if let ownFolder { try FileManager.default.removeItem(atPath: ownFolder) }
        } catch {
            print("left behind: \(name): \(error)")
        }
    }

    /// All rows of the registry, in order.
    func registered() throws -> [UInt8] {
        let tables = [
            "meta", "institutions", "providers", "redirect_uris", "clients", "client_institutions",
            "removed", "revoked_consents",
        ]
        let rows = try tables.map { table in
            try Self.psql(
                try Self.address("TEST_POSTGRES_URL", of: name),
                "SELECT * FROM \(table) AS t ORDER BY t::text")
        }
        return Array(rows.joined().utf8)
    }

    /// Migrated once, then copied.
    private static let template = Result {
        let name = "e2e_template_\(ProcessInfo.processInfo.processIdentifier)"
        try sql("CREATE DATABASE \(name)")
        try obieTokens(
            "store", "migrate", "--store", try address("TEST_POSTGRES_URL", of: name),
            "--serving-role", "obie_serving")
        return name
    }

    private static let server: String = {
        do {
            let address = try address("TEST_POSTGRES_URL", of: "")
            return String(address.split(separator: "@").last?.dropLast() ?? "")
        } catch {
            return "\(error)"
        }
    }()

    /// The address that a variable has, with another database.
    private static func address(_ variable: String, of database: String) throws -> String {
        let text = try #require(
            ProcessInfo.processInfo.environment[variable],
            "Tests/cluster/endtoend_test.py starts a PostgreSQL and sets \(variable)")
        let end = try #require(text.lastIndex(of: "/"))
        return text[...end] + database
    }

    private static func sql(_ statement: String) throws {
        _ = try psql(
            try #require(ProcessInfo.processInfo.environment["TEST_POSTGRES_URL"]), statement)
    }

    private static func psql(_ address: String, _ statement: String) throws -> String {
        try succeed(
            "/usr/bin/env",
            [
                "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--dbname", address, "--command",
                statement,
            ])
    }

    private static func obieTokens(_ arguments: String...) throws {
        try succeed(ChildProcess.binary.path, arguments)
    }

    @discardableResult
    private static func succeed(_ path: String, _ arguments: [String]) throws -> String {
        let ended = try ChildProcess.run(path, arguments, withinSeconds: 60)
        try #require(ended.status == 0, "\(arguments): \(ended.errors)")
        return ended.output
    }
}
