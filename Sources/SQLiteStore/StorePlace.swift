// The place of a store before SQLite opens anything: looked at, locked, and made where it is new.

import Glibc
import Tokens

/// A store that is there and is this process's alone.
final class StorePlace {
    let lock: StoreLock
    /// It was made just now.
    let isNew: Bool
    private let path: String

    /// - Parameter companions: files that only a store that was used has, beside its registry.
    /// - Throws: `StoreFailure`; then everything is as it was.
    init(
        _ path: String, companions: [String], for holder: StoreLock.Holder
    ) throws(StoreFailure) {
        self.path = path
        _ = try StorePlace.isThere(path, companions)
        let lock = try StoreLock(path, for: holder)
        do throws(StoreFailure) {
            // Again: another process may have been faster.
            isNew = try !StorePlace.isThere(path, companions)
            if isNew { try NewStore.make(path) }
            try lock.lockStore()
            try LogOnDisk.readAgain(store: path)
        } catch {
            lock.abandon()
            throw error
        }
        self.lock = lock
    }

    /// Takes back what `init` has made.
    func abandon() {
        if isNew { NewStore.remove(path) }
        lock.abandon()
    }

    /// Looks, and touches nothing.
    ///
    /// - Throws: `StoreFailure` where it cannot be used, or is missing though it was used.
    private static func isThere(
        _ path: String, _ companions: [String]
    ) throws(StoreFailure) -> Bool {
        let isThere = try Schema.mark.isThere(path)
        let registry = FileNames.registry(path)
        let hasRegistry = try SQLiteRegistry.mark.isThere(registry)
        try FileRights.check(
            [
                path, FileNames.log(path), FileNames.sharedMemory(path), registry,
                FileNames.journal(registry), FileNames.lock(path),
            ])
        if isThere {
            try checkNames(path)
        } else {
            var found = companions
            if let log = FileStatus.at(FileNames.log(path)), log.bytes > 0 {
                found.append(FileNames.log(path))
            }
            if hasRegistry, try SQLiteRegistry.wasUsed(registry) { found.append(registry) }
            if let first = found.first { throw missing(path, first) }
        }
        return isThere
    }

    private static func missing(_ path: String, _ companion: String) -> StoreFailure {
        StoreFailure(
            "the store \(path) is missing, and \(companion) is there: an empty store would make "
                + "everything void that was issued. Bring \(path) back, or choose the right path with "
                + "--store. \(FileNames.wayOut)", .configuration)
    }

    /// Under another name SQLite would not find the log, and with it the last changes.
    private static func checkNames(_ path: String) throws(StoreFailure) {
        guard let status = FileStatus.at(path), status.names > 1 else { return }
        throw StoreFailure(
            "the store \(path) has \(status.names) names (hard links), and SQLite can lose changes "
                + "then; remove the others (find -samefile \(path)), or copy the file",
            .configuration)
    }
}
