// The registry in a file of its own beside the store: PATH.registry. The command line writes it, the
// server only reads it, so neither can hold up or harm the other's file.

import Glibc
import Tokens

/// An open registry file. One thread at a time; blocks.
@safe public final class SQLiteRegistry: RegistryStore {
    /// "obir" in ASCII.
    private static let mark = FileMark(
        applicationID: 0x6F62_6972, newestVersion: 1, advice: "move it away")
    /// How long another process's change is waited for.
    private static let busyMilliseconds = 5000

    public let path: String
    public let mode: IssuerSettings.Mode
    /// The file was not there before.
    public let isNew: Bool
    private let database: Database
    private let selectVersion: Statement
    private let store: String
    /// nil: not of a server.
    private let lock: StoreLock?

    static func path(store: String) -> String { "\(store).registry" }

    public static func exists(store: String) -> Bool {
        unsafe access(path(store: store), F_OK) == 0
    }

    /// The mode that a store's registry was made in; nil where there is none.
    public static func mode(
        store: String
    ) throws(StoreFailure) -> IssuerSettings.Mode? {
        exists(store: store) ? try SQLiteRegistry(store: store, mode: nil).mode : nil
    }

    /// Opens the registry of a store, or makes it.
    ///
    /// - Parameter mode: the one that it must have; nil takes any, and makes one for production.
    ///   A new one for the sandbox has the sandbox's well-known names in it.
    /// - Throws: `StoreFailure` that says what to do.
    public convenience init(
        store: String, mode wanted: IssuerSettings.Mode?
    ) throws(StoreFailure) {
        try self.init(store: store, mode: wanted, of: nil)
    }

    /// - Parameter lock: of the server that the registry is opened for; it can say what it has taken
    ///   over.
    init(
        store: String, mode wanted: IssuerSettings.Mode?, of lock: StoreLock?
    ) throws(StoreFailure) {
        self.store = store
        self.lock = lock
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
            selectVersion = try RegistryRows.prepareVersion(database)
        } catch let failure as StoreFailure {
            throw failure
        } catch {
            throw SQLiteRegistry.failure(path, error)
        }
        if let wanted, wanted != mode {
            throw .otherMode(store: store, madeIn: mode.rawValue, wanted: wanted)
        }
    }

    private static func failure(_ path: String, _ error: any Error) -> StoreFailure {
        StoreFailure(
            "cannot use the registry \(path): \(error); make sure that this user may write it and "
                + "its folder, and that the disk is not full")
    }

    /// Makes the tables where there are none; returns whether it did.
    private static func make(
        _ database: Database, _ mode: IssuerSettings.Mode, _ path: String
    ) throws -> Bool {
        if try mark.version(of: database, path: path) == mark.newestVersion { return false }
        try database.execute("BEGIN IMMEDIATE")
        // Another process may have been faster.
        let isMissing = try database.integer("PRAGMA user_version") == 0
        if isMissing {
            try database.execute(RegistryRows.tables)
            try RegistryRows.write(mode, database)
            let content = mode == .sandbox ? RegistryContent.sandbox : RegistryContent(mode: mode)
            try RegistryRows.write(content, over: RegistryContent(mode: mode), database)
            try database.execute(mark.statements(version: mark.newestVersion))
        }
        try database.execute("COMMIT")
        return isMissing
    }

    public func load() throws -> RegistryContent {
        try transaction("BEGIN") {
            try RegistryRows.read(database, mode)
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

    public func version() throws -> Int64 {
        do throws(DatabaseError) {
            defer { selectVersion.reset() }
            return try selectVersion.step() ? selectVersion.integer(0) : 0
        } catch {
            throw SQLiteRegistry.failure(path, error)
        }
    }

    /// - Precondition: it was opened by the server that uses the store.
    public func takenOver(_ version: Int64) throws {
        guard let lock else { preconditionFailure("only a server takes over a registry") }
        try lock.announce(registryVersion: version)
    }

    public func wait(forTakeover version: Int64, milliseconds: Int) throws -> RegistryTakeover {
        try StoreLock.wait(registryVersion: version, store: store, milliseconds: milliseconds)
    }

    private func transaction<Answer>(
        _ begin: String, _ body: () throws -> Answer
    ) throws -> Answer {
        do {
            try database.execute(begin)
            let answer = try body()
            try database.execute("COMMIT")
            return answer
        } catch let error as DatabaseError {
            throw SQLiteRegistry.failure(path, database.rollback(error))
        } catch let refusal {
            // No fault of the file: nothing has been written yet.
            do throws(DatabaseError) {
                try database.execute("ROLLBACK")
            } catch {
                throw SQLiteRegistry.failure(path, error)
            }
            throw refusal
        }
    }
}
