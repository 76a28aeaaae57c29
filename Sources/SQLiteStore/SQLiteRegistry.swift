// The registry in a file of its own beside the store: PATH.registry. The command line writes it, the
// server only reads it, so neither can hold up or harm the other's file.

import Glibc
import System
import Tokens

/// An open registry file, as commands have it. One thread at a time; blocks.
@safe public final class SQLiteRegistry: RegistryStore {
    /// "obir" in ASCII.
    static let mark = FileMark(
        applicationID: 0x6F62_6972, newestVersion: 4, advice: "move it away")
    /// Up to 4 MB of changed pages wait for the commit. What a large change has more goes into the file
    /// before, piece by piece (`ProviderRows.pace`): all of it in one burst keeps the disk busy, and the
    /// server's own commits wait behind it. From then on nobody reads the file until the commit; the
    /// server's thread that does waits, and no request waits for that thread.
    private static let roomForChanges = "PRAGMA cache_size = -4096"
    /// How long another process's change is waited for.
    static let busyMilliseconds = 5000

    public let path: String
    public let mode: IssuerSettings.Mode
    /// The file was not there before.
    public let isNew: Bool
    private let database: Database
    private let selectMark: Statement
    private let store: String

    public static func path(store: String) -> String { FileNames.registry(store) }

    public static func exists(store: String) -> Bool {
        unsafe access(FileNames.registry(store), F_OK) == 0
    }

    /// The mode that a store's registry was made in; nil where there is none.
    public static func mode(
        store: String
    ) throws(StoreFailure) -> IssuerSettings.Mode? {
        exists(store: store) ? try SQLiteRegistry(store: store, mode: nil).mode : nil
    }

    /// - Throws: `StoreFailure` where the store was used with a registry.
    public static func refuseLoss(store: String) throws(StoreFailure) {
        if try StoreMemory.read(store)?.hasServed == true {
            throw RegistryMark.lost(FileNames.registry(store), store: store)
        }
    }

    /// Whether a server has used the registry with a store. It must be one of ours.
    static func wasUsed(_ path: String) throws(StoreFailure) -> Bool {
        do throws(DatabaseError) {
            return try RegistryRows.mark(try Database(path: path, .existing)).id != nil
        } catch {
            throw failure(path, error)
        }
    }

    /// Opens the registry of a store for a command, or makes it.
    ///
    /// - Parameter mode: the one that it must have; nil takes any, and makes one for production.
    ///   A new one for the sandbox has the sandbox's well-known names in it.
    /// - Throws: `StoreFailure` that says what to do; so where the store has seen another registry, or
    ///   a newer one.
    public convenience init(
        store: String, mode wanted: IssuerSettings.Mode?
    ) throws(StoreFailure) {
        let memory = try SQLiteRegistry.memory(of: store)
        try self.init(store: store, mode: wanted, makes: memory?.hasServed != true)
        try memory?.registry?.check(try currentMark(), at: path, store: store)
    }

    /// To disable somebody must not wait until a damaged store can be read.
    private static func memory(of store: String) throws(StoreFailure) -> StoreMemory? {
        do throws(StoreFailure) {
            return try StoreMemory.read(store)
        } catch {
            guard error.kind == .system, exists(store: store) else { throw error }
            return nil
        }
    }

    /// - Parameter makes: whether one may be made where there is none: not for a store that has been
    ///   used with one.
    init(
        store: String, mode wanted: IssuerSettings.Mode?, makes: Bool
    ) throws(StoreFailure) {
        self.store = store
        path = FileNames.registry(store)
        do {
            if try !SQLiteRegistry.mark.isThere(path) {
                guard makes else { throw RegistryMark.lost(path, store: store) }
            }
            database = try Database(path: path, .readWrite)
            // EXTRA: with FULL the journal's removal, which is the commit, may not be on disk yet.
            try database.execute(
                """
                PRAGMA busy_timeout = \(SQLiteRegistry.busyMilliseconds);
                PRAGMA synchronous = EXTRA;
                PRAGMA mmap_size = 0;
                """)
            isNew = try SQLiteRegistry.make(database, wanted ?? .production, path)
            if isNew { try PrivateFile.syncFolder(of: path) }
            mode = try RegistryRows.mode(database)
            selectMark = try RegistryRows.prepareMark(database)
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
        do throws(StoreFailure) {
            try FileRights.check([path, FileNames.journal(path)])
        } catch {
            return error
        }
        return StoreFailure(
            "cannot use the registry \(path): \(error); make sure that this user may write it and "
                + "its folder, and that the disk is not full")
    }

    /// Makes the tables where there are none, and brings old ones up to date; returns whether there
    /// were none.
    private static func make(
        _ database: Database, _ mode: IssuerSettings.Mode, _ path: String
    ) throws -> Bool {
        if try mark.version(of: database, path: path) == mark.newestVersion { return false }
        try database.execute("BEGIN IMMEDIATE")
        // Another process may have been faster.
        let version = try database.integer("PRAGMA user_version")
        let isMissing = version == 0
        if isMissing { try database.execute(RegistryRows.tables) }
        if version < 2 {
            try database.execute(ConsentInbox.migration)
            try database.execute(RemovedRows.table)
        }
        if version < 3 { try database.execute(ProviderRows.migration) }
        if version < 4 {
            try database.execute(RegistryRows.certificates)
            try database.execute(mark.statements(version: mark.newestVersion))
        }
        if isMissing {
            try RegistryRows.write(mode, database)
            let content = mode == .sandbox ? RegistryContent.sandbox : RegistryContent(mode: mode)
            try RegistryRows.write(content, over: RegistryContent(mode: mode), database)
        }
        try database.execute("COMMIT")
        return isMissing
    }

    /// Which registry it is, and how far it has come.
    func currentMark() throws(StoreFailure) -> RegistryMark {
        do throws(DatabaseError) {
            return try RegistryRows.mark(selectMark)
        } catch {
            throw SQLiteRegistry.failure(path, error)
        }
    }

    /// Gives it the id of its store.
    func adopt(_ id: Int64) throws(StoreFailure) {
        do throws(DatabaseError) {
            try RegistryRows.write(id: id, database)
        } catch {
            throw SQLiteRegistry.failure(path, error)
        }
    }

    public func load() throws -> RegistryContent {
        try transaction("BEGIN") {
            try RegistryRows.read(database, mode)
        }
    }

    public func update<Answer>(
        _ change: (inout RegistryContent) throws -> Answer
    ) throws -> (answer: Answer, version: Int64) {
        try transaction("\(SQLiteRegistry.roomForChanges); BEGIN IMMEDIATE") {
            let before = try RegistryRows.read(database, mode)
            var content = before
            let answer = try content.apply(change)
            if content.version != before.version {
                try RegistryRows.write(content, over: before, database)
            }
            return (answer, content.version)
        }
    }

    public func version() throws -> Int64 { try currentMark().version }

    /// - Precondition: never called: it is no server's.
    public func takenOver(_ version: Int64) throws {
        preconditionFailure("only a server takes over a registry")
    }

    /// What commands have revoked in the versions after this one.
    func consents(after version: Int64) throws -> [RevokedConsent] {
        try transaction("BEGIN") { try ConsentInbox.read(after: version, database) }
    }

    public func forgetConsents(revokedBefore moment: Milliseconds) throws {
        try transaction("BEGIN IMMEDIATE") {
            try ConsentInbox.forget(revokedBefore: moment, database)
        }
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
