// A store with what belongs to it, at one place.

import Crypto
import Glibc
import System
import Tokens

/// The paths of a store, its registry and its keys. Each is worthless without the others.
public struct StoreSet: Sendable {
    public let store: String
    public let registry: String
    public let keys: String

    /// - Parameter keys: nil: beside the store, as a backup has them.
    public init(store: String, keys: String? = nil) {
        self.store = store
        registry = FileNames.registry(store)
        self.keys = keys ?? FileNames.keys(store)
    }

    private init(store: String, registry: String, keys: String) {
        (self.store, self.registry, self.keys) = (store, registry, keys)
    }

    /// As much of a key file as is read anywhere.
    static let keyBytesMax = 1 << 24

    var paths: [String] { [store, registry, keys] }

    /// The same names with more behind them, in the same folders.
    func with(_ suffix: String) -> StoreSet {
        StoreSet(
            store: "\(store).\(suffix)", registry: "\(registry).\(suffix)",
            keys: "\(keys).\(suffix)")
    }

    /// Names that nobody else uses, for files that are not whole yet.
    var draft: StoreSet { with("draft-\(getpid())") }

    func removeAll() {
        for path in paths {
            for file in [path, FileNames.journal(path)] { unsafe unlink(file) }
        }
    }

    // MARK: Copying

    /// Copies the store as it stands at one moment, then the registry, then the keys: what comes later
    /// is never older than what refers to it. Checks the copies, which are on disk then, for this user
    /// only.
    ///
    /// - Throws: `StoreFailure` where one is not readable, or they do not belong together.
    func copy(to draft: StoreSet) throws(StoreFailure) {
        guard try Schema.mark.isThere(store) else { throw missing(store, .absent) }
        guard try SQLiteRegistry.mark.isThere(registry) else { throw missing(registry) }
        guard PrivateFile.exists(keys) else { throw missing(keys) }
        do {
            // A server's connection stays the only one that writes or checkpoints.
            try copy(store, draft.store, Database.reading)
            try copy(registry, draft.registry, Database.readingRegistry)
            try PrivateFile.make(
                try PrivateFile.read(keys, bytesMax: StoreSet.keyBytesMax), at: draft.keys)
        } catch {
            throw error as? StoreFailure ?? StoreFailure("cannot copy \(store): \(error)")
        }
        try check(draft)
    }

    private func missing(
        _ path: String, _ kind: StoreFailure.Kind = .configuration
    ) -> StoreFailure {
        let folder = PrivateFile.missingFolder(of: path).map { " (\($0))" } ?? ""
        return StoreFailure(
            "\(path) is missing\(folder); a store, its registry and its keys are worth nothing without each "
                + "other", kind)
    }

    private func copy(
        _ path: String, _ copy: String, _ open: (String) throws(DatabaseError) -> Database
    ) throws {
        do throws(DatabaseError) {
            Database.makePrivate(copy)  // which `VACUUM INTO` takes, as long as it is empty
            let database = try open(path)
            let statement = try database.prepare("VACUUM INTO ?")
            try statement.bind(1, copy)
            try statement.run()
        } catch {
            throw StoreFailure("cannot copy \(path): \(error)")
        }
        try PrivateFile.sync(copy)
    }

    /// - Parameter copies: of these files.
    private func check(_ copies: StoreSet) throws(StoreFailure) {
        do {
            let database = try Database(path: copies.store, .unchanging)
            try StoreSet.checkPages(database, store)
            let records = try Database(path: copies.registry, .unchanging)
            try StoreSet.checkPages(records, registry)
            let mark = try RegistryRows.mark(records)
            let memory = try StoreMemory(database)
            if let seen = memory.registry {
                try seen.check(mark, at: registry, store: store)
            } else if mark.id != nil, mark.id != memory.id {
                try RegistryMark(id: memory.id, version: 0, nextNumber: 0)
                    .check(mark, at: registry, store: store)
            }
            let content = try PrivateFile.read(copies.keys, bytesMax: StoreSet.keyBytesMax)
            guard let keyring = Keyring(fileContent: content, OpenSSL()) else {
                throw StoreFailure("\(keys) is no key file", .configuration)
            }
            try KnownKeys.check(database, keyring, path: store)
        } catch {
            throw error as? StoreFailure
                ?? StoreFailure("what was copied of \(store) cannot be read: \(error)")
        }
    }

    /// Whether SQLite can read all of a file.
    static func checkPages(_ database: Database, _ path: String) throws {
        let select = try database.prepare("PRAGMA quick_check(1)")
        defer { select.reset() }
        guard try select.step(), select.text(0) == "ok" else {
            throw StoreFailure("\(path) is damaged: \(select.text(0))")
        }
    }
}
