// A store in a file with its registry, as it is copied into a store of another kind.

import Tokens

public final class SQLiteCopySource: CopySource {
    private let path: String
    private let keyring: Keyring
    private let mode: IssuerSettings.Mode
    private let lock: StoreLock
    private var database: Database?
    /// No command changes the registry as long as this is open: it is in a transaction that writes.
    private var registry: Database?

    /// What commands have revoked while no server ran stands in the registry only.
    private static let consents = """
        (SELECT consent, institution, max(revoked_until) AS revoked_until FROM (
            SELECT consent, institution, revoked_until FROM main.revoked_consents UNION ALL
            SELECT consent, institution, revoked_until FROM registry.revoked_consents)
        GROUP BY consent, institution)
        """

    /// - Throws: `StoreFailure` where there is no store.
    public static func refuseAbsence(_ path: String) throws(StoreFailure) {
        guard try Schema.mark.isThere(path) else {
            throw StoreFailure(
                "there is no store at \(path): no server has used it; choose the right one with --from",
                .absent)
        }
    }

    /// Takes the store, so that no server can start on it. Writes nothing into it.
    ///
    /// - Parameter keyring: tells the keys of a store of 0.7.0.
    /// - Throws: `StoreFailure` that says what to do; so while a server uses the store.
    public init(_ path: String, _ keyring: Keyring) throws(StoreFailure) {
        (self.path, self.keyring) = (path, keyring)
        try SQLiteCopySource.refuseAbsence(path)
        guard SQLiteRegistry.exists(store: path) else {
            try SQLiteRegistry.refuseLoss(store: path)
            throw StoreFailure("there is no registry beside the store \(path)", .absent)
        }
        lock = try StorePlace(path, companions: [], for: .command).lock
        do {
            // Refuses a registry that is not the store's.
            mode = try SQLiteRegistry(store: path, mode: nil).mode
            let database = try Database(path: path, .existing)
            try SQLiteCopySource.check(database, mode, path)
            try SQLiteCopySource.attach(FileNames.registry(path), database)
            let registry = try Database(path: FileNames.registry(path), .existing)
            try registry.execute("PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE")
            (self.database, self.registry) = (database, registry)
        } catch {
            lock.release()
            throw error as? StoreFailure ?? StoreFailure("cannot read the store \(path): \(error)")
        }
    }

    private static func check(
        _ database: Database, _ mode: IssuerSettings.Mode, _ path: String
    ) throws {
        let version = try Schema.mark.version(of: database, path: path)
        guard version == Schema.mark.newestVersion else {
            throw StoreFailure(
                "the store \(path) is of an older version: start this version's server on it once, and "
                    + "stop it again", .configuration)
        }
        try Schema.checkMode(database, mode, path: path)
    }

    private static func attach(_ path: String, _ database: Database) throws(DatabaseError) {
        let attach = try database.prepare("ATTACH DATABASE ? AS registry")
        try attach.bind(1, path)
        try attach.run()
        try database.execute("PRAGMA query_only = ON")
    }

    private func opened() throws(StoreFailure) -> (store: Database, registry: Database) {
        guard let database, let registry else { throw StoreFailure("\(path) is closed") }
        return (database, registry)
    }

    public func head() throws(StoreFailure) -> CopiedHead {
        let (store, registry) = try opened()
        do throws(DatabaseError) {
            return CopiedHead(
                registry: try RegistryRows.read(registry, mode),
                keys: try KnownKeys.read(store, keyring))
        } catch {
            throw StoreFailure("cannot read the store \(path): \(error)")
        }
    }

    private func relation(_ table: CopiedTable) -> String {
        table == .revokedConsents ? SQLiteCopySource.consents : "main.\(table.rawValue)"
    }

    public func count(of table: CopiedTable) throws(StoreFailure) -> Int {
        try table.count(in: relation(table), try opened().store)
    }

    public func rows(of table: CopiedTable) throws(StoreFailure) -> any CopiedRows {
        try RowsOfFile(table, of: relation(table), try opened().store, path)
    }

    public func close() {
        (database, registry) = (nil, nil)
        lock.release()
    }
}
