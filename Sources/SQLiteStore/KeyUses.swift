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

    /// - Parameter now: the last time that the store has seen. A clock that is wrong for a moment must not
    ///   make anything look expired.
    private static func use(
        _ record: KeyRecord, _ database: Database, _ now: Milliseconds
    ) throws(DatabaseError) -> KeyUse {
        var use = KeyUse()
        var ends: [Milliseconds?] = []
        func count(_ table: String, aliveAfter: Milliseconds) throws(DatabaseError) -> Int {
            let select = try database.prepare(
                """
                SELECT count(*), max(expires_at), sum(expires_at IS NULL) FROM \(table)
                WHERE issued_at BETWEEN ? AND ? AND (expires_at IS NULL OR expires_at > ?)
                """)
            try select.bind(1, record.issueTimes.lowerBound)
            try select.bind(2, record.issueTimes.upperBound)
            try select.bind(3, aliveAfter)
            defer { select.reset() }
            guard try select.step() else { return 0 }
            if select.integer(0) > 0 {
                ends.append(select.integer(2) > 0 ? nil : select.optionalInteger(1))
            }
            return Int(select.integer(0))
        }
        use.codes = try count("codes", aliveAfter: now - ReplayMemory.milliseconds)
        use.tokens = try count("tokens", aliveAfter: now)
        use.ccgTokens = try count("ccg_tokens", aliveAfter: now)
        use.expiresAt = ends.contains(nil) ? nil : ends.compactMap { $0 }.max()
        return use
    }
}
