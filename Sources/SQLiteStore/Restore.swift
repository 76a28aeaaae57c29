// Puts a backup in the place of a store.

import Crypto
import Glibc
import System
import Tokens

/// A store that is restored, or begun anew. No server may be using it.
public struct Restore {
    /// What was done, for people.
    public struct Outcome: Sendable {
        public var moved: [(from: String, to: String)] = []
        /// The registry that is in force is newer than the backup's, and stayed.
        public var keepsRegistry = false
        /// There is one.
        public var hasRegistry = true
        /// The registry that was there cannot be read any more.
        public var isRegistryDamaged = false
        /// The keys that are there open all that the backup's do, and stayed.
        public var keepsKeys = false
        /// Keys were there already: they stand in front, so that they seal, and the backup's behind.
        public var addsKeys = false
        public var keepsTokens = false
        /// Access tokens of the backup: void, unless they are kept.
        public var tokens = 0
        /// Codes that nobody had exchanged, which are void.
        public var codes = 0
        /// Why the figures of reports could not be taken over; nil: they were, or there were none.
        public var lossOfFigures: String?
    }

    private let place: StoreSet
    private let suffix: String
    private let lock: StoreLock

    /// Locks the place.
    ///
    /// - Parameters:
    ///   - place: where a server finds its files; they need not be there.
    ///   - suffix: for the names of what is moved aside.
    /// - Throws: `StoreFailure`, also where a server uses the store.
    public init(_ place: StoreSet, suffix: String) throws(StoreFailure) {
        self.place = place
        self.suffix = suffix
        _ = try Schema.mark.isThere(place.store)
        try FileRights.check([place.store, place.registry, place.keys])
        lock = try StoreLock(place.store, for: .command)
        guard PrivateFile.exists(place.store) else { return }
        do throws(StoreFailure) {
            try lock.lockStore()
        } catch {
            lock.abandon()
            throw error
        }
    }

    /// Puts the backup there. What was there is moved aside. On disk when this returns.
    ///
    /// Nobody knows what has been revoked and spent since the backup was made. So all codes and CCG
    /// tokens of it are void, and its access tokens.
    ///
    /// - Parameters:
    ///   - keepsTokens: access tokens stay what they were at the time of the backup.
    ///   - takesRegistry: also where there is a newer one of the same store, which knows what has been
    ///     disabled and revoked since.
    public func run(
        from backup: StoreSet, keepsTokens: Bool, takesRegistry: Bool
    ) throws(StoreFailure) -> Outcome {
        let draft = place.draft
        defer {
            draft.removeAll()
            lock.abandon()
        }
        try backup.copy(to: draft)
        var outcome = Outcome()
        outcome.keepsTokens = keepsTokens
        do {
            let database = try Database(path: draft.store, .existing)
            try Restore.void(database, keepsTokens: keepsTokens, &outcome)
            outcome.isRegistryDamaged = try isRegistryDamaged()
            outcome.keepsRegistry =
                try !takesRegistry && !outcome.isRegistryDamaged
                && hasNewerRegistry(than: try StoreMemory(database))
            outcome.keepsKeys = try hasNewerKeys(database)
            if !outcome.keepsKeys { outcome.addsKeys = try putKeysInFront(of: draft.keys) }
        } catch {
            throw error as? StoreFailure ?? StoreFailure("cannot change the copy: \(error)")
        }
        outcome.lossOfFigures = try carryFigures(to: draft)
        try handOver(draft)
        try exchange(draft, &outcome)
        return outcome
    }

    /// Puts an empty store there, for the registry that is there. Everything that was issued is void.
    public func begin() throws(StoreFailure) -> Outcome {
        let draft = place.draft
        defer {
            draft.removeAll()
            lock.abandon()
        }
        let hasRegistry: Bool
        do {
            hasRegistry = try SQLiteRegistry.mark.isThere(place.registry)
            guard hasRegistry || PrivateFile.exists(place.store) else {
                throw StoreFailure(
                    "there is neither a store \(place.store) nor its registry; choose the right one "
                        + "with --store", .absent)
            }
            if try isRegistryDamaged() {
                throw StoreFailure(
                    "the registry \(place.registry) is damaged; restore a backup, or move it away and "
                        + "register everybody anew", .configuration)
            }
            let mark =
                hasRegistry
                ? try RegistryRows.mark(try Database(path: place.registry, .existing)) : nil
            try Schema.makeNew(draft.store, for: mark)
        } catch {
            throw error as? StoreFailure ?? StoreFailure("cannot make an empty store: \(error)")
        }
        var outcome = Outcome()
        outcome.lossOfFigures = try carryFigures(to: draft)
        try handOver(draft)
        outcome.keepsRegistry = true
        outcome.hasRegistry = hasRegistry
        try exchange(draft, &outcome)
        return outcome
    }

    /// What was counted for reports is no less true of the store that comes.
    private func carryFigures(to draft: StoreSet) throws(StoreFailure) -> String? {
        do {
            return try ReportRows.carryOver(from: place.store, to: draft.store)
        } catch {
            throw error as? StoreFailure
                ?? StoreFailure("cannot take over the figures of reports: \(error)")
        }
    }

    private static func void(
        _ database: Database, keepsTokens: Bool, _ outcome: inout Outcome
    ) throws {
        try database.execute("PRAGMA synchronous = EXTRA; PRAGMA secure_delete = ON; BEGIN;")
        try database.execute("DELETE FROM codes WHERE token_digest IS NULL")
        outcome.codes = database.changes
        try database.execute("DELETE FROM ccg_tokens")
        outcome.tokens = Int(try database.integer("SELECT count(*) FROM tokens"))
        if !keepsTokens { try database.execute("DELETE FROM tokens") }
        try database.execute("COMMIT")
    }

    /// There is a registry of ours, and SQLite cannot read all of it.
    private func isRegistryDamaged() throws -> Bool {
        guard PrivateFile.exists(place.registry) else { return false }
        do {
            guard try SQLiteRegistry.mark.isThere(place.registry) else { return false }
            try StoreSet.checkPages(
                try Database(path: place.registry, .existing), place.registry)
            return false
        } catch is StoreFailure {
            return true
        } catch let error as DatabaseError where error.isDamage {
            return true
        }
    }

    /// The registry that is there belongs to the backup's store, and is not older.
    private func hasNewerRegistry(than memory: StoreMemory) throws -> Bool {
        guard PrivateFile.exists(place.registry) else { return false }
        do {
            guard try SQLiteRegistry.mark.isThere(place.registry), let seen = memory.registry else {
                return false
            }
            let database = try Database(path: place.registry, .existing)
            try seen.check(
                try RegistryRows.mark(database), at: place.registry, store: place.store)
            return true
        } catch is StoreFailure {
            return false
        } catch let error as DatabaseError where error.isDamage {
            return false
        }
    }

    /// The keys that are there open all that the backup's do: one was added since, or none. They may be
    /// a link, or a secret that somebody else writes.
    private func hasNewerKeys(_ database: Database) throws -> Bool {
        guard PrivateFile.exists(place.keys) else { return false }
        guard
            let keyring = Keyring(
                fileContent: try PrivateFile.read(place.keys, bytesMax: StoreSet.keyBytesMax),
                OpenSSL())
        else {
            return false
        }
        do {
            try KnownKeys.check(database, keyring, path: place.store)
            return true
        } catch is StoreFailure {
            return false
        }
    }

    /// A key that was given up since the backup was made must not seal again.
    ///
    /// - Returns: false where there are no keys, or none that the store that is there was used with.
    private func putKeysInFront(of path: String) throws -> Bool {
        guard PrivateFile.exists(place.keys), PrivateFile.exists(place.store),
            let newer = Keyring(
                fileContent: try PrivateFile.read(place.keys, bytesMax: StoreSet.keyBytesMax),
                OpenSSL()),
            let older = Keyring(
                fileContent: try PrivateFile.read(path, bytesMax: StoreSet.keyBytesMax), OpenSSL())
        else { return false }
        do {
            try KnownKeys.check(try Database.reading(place.store), newer, path: place.store)
        } catch {
            // They are another store's, or the store is not readable: the backup's are surely right.
            return false
        }
        unsafe unlink(path)
        try PrivateFile.make(newer.followed(by: older).fileContent, at: path)
        return true
    }

    /// What root makes belongs to whom the file before it belonged, or the store.
    private func handOver(_ draft: StoreSet) throws(StoreFailure) {
        guard geteuid() == 0 else { return }
        for (path, target) in zip(draft.paths, place.paths) where PrivateFile.exists(path) {
            let isBeside = target == StoreSet(store: place.store).keys || target == place.registry
            let owner =
                FileStatus.at(target) ?? (isBeside ? FileStatus.at(place.store) : nil)
                ?? folder(of: target)
            guard let owner else { continue }
            guard unsafe chown(path, owner.owner, owner.group) == 0 else {
                throw StoreFailure("cannot give \(path) to user \(owner.owner) (errno \(errno))")
            }
        }
    }

    private func folder(of path: String) -> FileStatus? {
        FileStatus.at(path.lastIndex(of: "/").map { String(path[...$0]) } ?? ".")
    }

    /// The store comes last: until it is there, a start finds none beside what was used, and says so.
    private func exchange(_ draft: StoreSet, _ outcome: inout Outcome) throws(StoreFailure) {
        let aside = place.with(suffix)
        var away = Relocation()
        var into = Relocation()
        do throws(StoreFailure) {
            try away.moveStore(place.store, to: aside.store)
            if !outcome.keepsRegistry {
                try away.move(place.registry, to: aside.registry)
                try away.move(
                    FileNames.journal(place.registry), to: FileNames.journal(aside.registry))
            }
            if !outcome.keepsKeys { try away.move(place.keys, to: aside.keys) }
            try away.sync()
            if !outcome.keepsKeys { try into.move(draft.keys, to: place.keys) }
            if !outcome.keepsRegistry { try into.move(draft.registry, to: place.registry) }
            try into.sync()
            try into.move(draft.store, to: place.store)
            try into.sync()
        } catch {
            into.undo()
            away.undo()
            throw error
        }
        outcome.moved = away.moves
    }
}
