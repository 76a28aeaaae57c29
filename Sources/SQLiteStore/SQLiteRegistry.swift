// The registry in a file of its own beside the store: PATH.registry. The command line writes it, the
// server only reads it, so neither can hold up or harm the other's file.

import Glibc
import Tokens

/// An open registry file. One thread at a time; blocks.
@safe public final class SQLiteRegistry: RegistryStore {
    /// Marks a file as ours: "obir" in ASCII.
    private static let applicationID: Int64 = 0x6F62_6972
    private static let schemaVersion: Int64 = 1
    /// How long another process's change is waited for.
    private static let busyMilliseconds = 5000

    public let path: String
    public let mode: IssuerSettings.Mode
    /// The file was not there before.
    public let isNew: Bool
    private let database: Database
    private let dataVersion: Statement
    /// The data version that was last loaded.
    private var loadedVersion: Int64?

    static func path(store: String) -> String { "\(store).registry" }

    public static func exists(store: String) -> Bool {
        unsafe access(path(store: store), F_OK) == 0
    }

    /// The mode that a store's registry was made in; nil where there is none.
    public static func mode(
        store: String
    ) throws(SQLiteStoreFailure) -> IssuerSettings.Mode? {
        exists(store: store) ? try SQLiteRegistry(store: store, mode: nil).mode : nil
    }

    /// Opens the registry of a store, or makes it.
    ///
    /// - Parameter mode: the one that it must have; nil takes any, and makes one for production.
    ///   A new one for the sandbox has the sandbox's well-known names in it.
    /// - Throws: `SQLiteStoreFailure` that says what to do.
    public init(store: String, mode wanted: IssuerSettings.Mode?) throws(SQLiteStoreFailure) {
        path = SQLiteRegistry.path(store: store)
        do {
            database = try Database(path: path, .readWrite)
            try database.execute(
                """
                PRAGMA busy_timeout = \(SQLiteRegistry.busyMilliseconds);
                PRAGMA synchronous = FULL;
                PRAGMA mmap_size = 0;
                """)
            isNew = try SQLiteRegistry.make(database, wanted ?? .production, path)
            mode = try RegistryRows.mode(database)
            dataVersion = try database.prepare("PRAGMA data_version")
        } catch let failure as SQLiteStoreFailure {
            throw failure
        } catch {
            throw SQLiteRegistry.failure(path, error)
        }
        if let wanted, wanted != mode {
            throw SQLiteStoreFailure(
                "the store \(store) was made in \(mode.rawValue) mode and is refused in "
                    + "\(wanted.rawValue) mode; choose another path with --store")
        }
    }

    private static func failure(_ path: String, _ error: any Error) -> SQLiteStoreFailure {
        SQLiteStoreFailure(
            "cannot use the registry \(path): \(error); make sure that this user may write it and "
                + "its folder, and that the disk is not full")
    }

    /// Makes the tables where there are none; returns whether it did.
    private static func make(
        _ database: Database, _ mode: IssuerSettings.Mode, _ path: String
    ) throws -> Bool {
        let version = try database.integer("PRAGMA user_version")
        let owner = try database.integer("PRAGMA application_id")
        guard owner == applicationID || owner == 0 && version == 0 else {
            throw SQLiteStoreFailure("\(path) is a database of another program; move it away")
        }
        guard version <= schemaVersion else {
            throw SQLiteStoreFailure(
                "\(path) has schema version \(version), this program knows \(schemaVersion); use "
                    + "the newer program that wrote it")
        }
        if version == schemaVersion { return false }
        try database.execute("BEGIN IMMEDIATE")
        // Another process may have been faster.
        let isMissing = try database.integer("PRAGMA user_version") == 0
        if isMissing {
            try database.execute(RegistryRows.tables)
            try RegistryRows.write(mode, database)
            let content = mode == .sandbox ? RegistryContent.sandbox : RegistryContent(mode: mode)
            try RegistryRows.write(content, over: RegistryContent(mode: mode), database)
            try database.execute(
                """
                PRAGMA application_id = \(applicationID);
                PRAGMA user_version = \(schemaVersion);
                """)
        }
        try database.execute("COMMIT")
        return isMissing
    }

    public func load() throws -> RegistryContent {
        try transaction("BEGIN") {
            let content = try RegistryRows.read(database, mode)
            // Within the transaction: of the very state that was read.
            loadedVersion = try currentVersion()
            return content
        }
    }

    public func update<Answer>(
        _ change: (inout RegistryContent) throws -> Answer
    ) throws -> (answer: Answer, version: Int64) {
        try transaction("BEGIN IMMEDIATE") {
            let before = try RegistryRows.read(database, mode)
            var content = before
            let answer = try content.apply(change)
            if content.version != before.version {
                try RegistryRows.write(content, over: before, database)
            }
            return (answer, content.version)
        }
    }

    /// Whether another connection has changed the file since it was last loaded. Cheap.
    func hasChanged() throws(DatabaseError) -> Bool {
        try currentVersion() != loadedVersion
    }

    private func currentVersion() throws(DatabaseError) -> Int64 {
        defer { dataVersion.reset() }
        return try dataVersion.step() ? dataVersion.integer(0) : 0
    }

    private func transaction<Answer>(
        _ begin: String, _ body: () throws -> Answer
    ) throws -> Answer {
        do {
            try database.execute(begin)
            let answer = try body()
            try database.execute("COMMIT")
            return answer
        } catch {
            database.rollback()
            guard error is DatabaseError else { throw error }
            throw SQLiteRegistry.failure(path, error)
        }
    }
}
