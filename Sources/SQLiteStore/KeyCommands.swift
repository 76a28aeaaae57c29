// What commands ask of a store about its keys, while a server may be using it.

import Tokens

public enum KeysOfStore {
    /// What a store knows of its keys, as it stands at one moment; nil where there is no store. Reads
    /// through a connection that cannot write.
    ///
    /// - Parameter records: those whose use is counted, which takes a second for millions of tokens.
    public static func read(
        store path: String, _ keyring: Keyring, of records: (KeyHistory) -> [KeyRecord]
    ) throws(StoreFailure) -> StoreKeys? {
        guard try Schema.mark.isThere(path) else { return nil }
        do throws(DatabaseError) {
            let database = try Database.reading(path)
            try database.execute("BEGIN")
            return try KeyUses.read(database, keyring, of: records)
        } catch {
            throw StoreFailure("cannot read the store \(path): \(error)")
        }
    }

    /// Runs `body` while no server begins to use other keys: none is running and none can start, or one
    /// has started, and has written down which key it seals with.
    @discardableResult
    public static func whileSettled<Answer>(
        store path: String, _ body: () throws -> Answer
    ) throws -> Answer {
        guard FileStatus.at(path) != nil else { return try body() }
        let lock: StoreLock
        do throws(StoreFailure) {
            lock = try StoreLock(path, for: .command)
        } catch {
            switch try StoreLock.wait(registryVersion: 0, store: path, milliseconds: 2000) {
            case .hasTakenOver: return try body()
            case .isLate, .notRunning:
                throw StoreFailure(
                    "a server on the store \(path) is starting or ending; try again in a moment")
            }
        }
        defer { lock.release() }
        return try body()
    }

    /// Voids what a key has sealed: its absence is no fault any more.
    ///
    /// - Throws: `StoreFailure` while a server uses the store.
    public static func giveUp(
        _ key: KeyFingerprint, store path: String, _ keyring: Keyring
    ) throws(StoreFailure) {
        let lock = try StoreLock(path, for: .command)
        defer { lock.release() }
        try LogOnDisk.readAgain(store: path)
        do throws(DatabaseError) {
            let database = try Database(path: path, .existing)
            try Schema.prepareWriter(database)
            var history = try KnownKeys.read(database, keyring)
            history.giveUp(key)
            try KnownKeys.write(history, database)
        } catch {
            throw StoreFailure("cannot write the store \(path): \(error)")
        }
    }
}
