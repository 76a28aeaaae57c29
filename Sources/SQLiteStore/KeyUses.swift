// What alive each key of a store is needed for: counted by issue times, since a row tells nothing of its
// key.

import Tokens

enum KeyUses {
    /// What a database knows of its keys.
    ///
    /// - Parameter records: those whose use is counted, which takes a second for millions of tokens.
    static func read(
        _ database: Database, _ keyring: Keyring, of records: (KeyHistory) -> [KeyRecord]
    ) throws(DatabaseError) -> StoreKeys {
        let history = try KnownKeys.read(database, keyring)
        var uses: [KeyFingerprint: KeyUse] = [:]
        let records = records(history)
        if !records.isEmpty, let now = try IssueTimes.newest(database) {
            for record in records { uses[record.fingerprint] = try use(record, database, now) }
        }
        return StoreKeys(history: history, uses: uses)
    }

    private static func use(
        _ record: KeyRecord, _ database: Database, _ now: Milliseconds
    ) throws(DatabaseError) -> KeyUse {
        try KeyUse(now: now) { (table, moment) throws(DatabaseError) in
            let select = try database.prepare(
                """
                SELECT count(*), max(expires_at), sum(expires_at IS NULL) FROM \(table.rawValue)
                WHERE issued_at BETWEEN ? AND ? AND (expires_at IS NULL OR expires_at > ?)
                """)
            try select.bind(1, record.issueTimes.lowerBound)
            try select.bind(2, record.issueTimes.upperBound)
            try select.bind(3, moment)
            defer { select.reset() }
            // An aggregate has a row, whatever there is.
            _ = try select.step()
            return KeyUse.Alive(
                count: select.integer(0), endless: select.integer(2),
                lastEnd: select.optionalInteger(1))
        }
    }
}
