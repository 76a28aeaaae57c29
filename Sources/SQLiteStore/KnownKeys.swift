// The keys that a store was used with, in its own file: one row of `meta` for each.

import Tokens

enum KnownKeys {
    /// What follows is the fingerprint. The value is when the key has sealed, in words.
    private static let prefix = "key "

    /// - Parameter keyring: tells the keys of a store of 0.7.0, which has remembered the last one only.
    static func read(
        _ database: Database, _ keyring: Keyring
    ) throws(DatabaseError) -> KeyHistory {
        let rows = try records(database)
        if rows.isEmpty, let last = try lastUsed(database) {
            return KeyHistory(
                lastUsed: last, keyring, lastIssuedAt: try IssueTimes.newest(database))
        }
        return KeyHistory(rows)
    }

    private static func records(_ database: Database) throws(DatabaseError) -> [KeyRecord] {
        var records: [KeyRecord] = []
        let select = try database.prepare(
            "SELECT name, value FROM meta WHERE name >= 'key ' AND name < 'key!'")
        defer { select.reset() }
        while try select.step() {
            let value = String(decoding: select.blob(1), as: UTF8.self).split(separator: " ")
            guard value.count >= 2,
                let key = KeyFingerprint(text: select.text(0).dropFirst(prefix.count))
            else { throw .corrupt("a key that no version has written") }
            var record = KeyRecord(
                fingerprint: key, from: Milliseconds(value[0]), until: Milliseconds(value[1]))
            record.isGivenUp = value.count > 2
            records.append(record)
        }
        return records.sorted {
            ($0.from ?? 0, $1.until ?? .max) > ($1.from ?? 0, $0.until ?? .max)
        }
    }

    /// As all versions write it.
    private static func lastUsed(_ database: Database) throws(DatabaseError) -> KeyFingerprint? {
        let select = try database.prepare("SELECT value FROM meta WHERE name = 'sealing_key'")
        defer { select.reset() }
        return try select.step() ? KeyFingerprint(bytes: select.blob(0)) : nil
    }

    /// Whether the file has been used with keys.
    static func areThere(_ database: Database) throws(DatabaseError) -> Bool {
        try database.integer("SELECT count(*) FROM meta WHERE name = 'sealing_key'") > 0
    }

    /// Makes sure that the keys belong to the file. Writes nothing, and takes any version of it.
    ///
    /// - Throws: `StoreFailure` where something alive needs a key that is missing.
    static func check(_ database: Database, _ keyring: Keyring, path: String) throws {
        let keys = try KeyUses.read(database, keyring) { $0.missing(from: keyring) }
        if let refusal = keys.refusal(of: keyring, store: path) { throw refusal }
    }

    /// Remembers that a server begins to use the keys.
    ///
    /// - Parameter now: nothing will be issued before.
    static func begin(
        _ database: Database, _ keyring: Keyring, now: Milliseconds
    ) throws(DatabaseError) {
        var history = try read(database, keyring)
        // Not read without need: a start must not fail where only the newest rows are damaged.
        let isSame = history.sealing?.fingerprint == keyring.fingerprints[0]
        let lastIssuedAt = isSame ? nil : try IssueTimes.newest(database)
        history.begin(keyring, now: now, lastIssuedAt: lastIssuedAt)
        if try records(database) != history.records { try write(history, database) }
    }

    /// In one transaction.
    static func write(_ history: KeyHistory, _ database: Database) throws(DatabaseError) {
        try database.execute("BEGIN IMMEDIATE")
        do throws(DatabaseError) {
            try database.execute("DELETE FROM meta WHERE name >= 'key ' AND name < 'key!'")
            for record in history.records {
                let words =
                    [record.from.map { "\($0)" } ?? "-", record.until.map { "\($0)" } ?? "-"]
                    + (record.isGivenUp ? ["given-up"] : [])
                try insert(
                    prefix + record.fingerprint.text, Array(words.joined(separator: " ").utf8),
                    database)
            }
            if let sealing = history.sealing {
                try insert("sealing_key", sealing.fingerprint.bytes, database)
            }
            try database.execute("COMMIT")
        } catch {
            throw database.rollback(error)
        }
    }

    private static func insert(
        _ name: String, _ value: [UInt8], _ database: Database
    ) throws(DatabaseError) {
        let insert = try database.prepare("INSERT OR REPLACE INTO meta VALUES (?, ?)")
        try insert.bind(1, name)
        try insert.bind(2, value)
        try insert.run()
    }
}
