// The keys that a database was used with: one row of `meta` for each. All servers share them.

import Tokens

enum DatabaseKeys {
    /// What follows is the fingerprint. The value is when the key has sealed, in words.
    private static let prefix = "key "
    /// Whoever changes them takes this lock first.
    static let lock = 8242
    /// A server that begins takes this one, too: before the other. Whoever has it keeps servers from
    /// beginning, and may change keys over another connection.
    static let startLock = 8243

    /// The newest first.
    static func history(_ session: BlockingSession) throws(SessionError) -> KeyHistory {
        var records: [KeyRecord] = []
        for row in try session.run("SELECT name, value FROM meta WHERE name LIKE 'key %'") {
            let value = (row.text(1) ?? "").split(separator: " ")
            guard value.count >= 2,
                let key = KeyFingerprint(text: (row.text(0) ?? "").dropFirst(prefix.count))
            else { throw SessionError(description: "there is a key that no version has written") }
            func time(_ word: Substring) -> Milliseconds? {
                Milliseconds(word).flatMap { Meta.numbers.contains($0) ? $0 : nil }
            }
            var record = KeyRecord(fingerprint: key, from: time(value[0]), until: time(value[1]))
            record.isGivenUp = value.count > 2
            records.append(record)
        }
        return KeyHistory(
            records.sorted {
                ($0.from ?? 0, $1.until ?? .max) > ($1.from ?? 0, $0.until ?? .max)
            })
    }

    static func write(
        _ history: KeyHistory, _ session: BlockingSession
    ) throws(SessionError) {
        try session.run("DELETE FROM meta WHERE name LIKE 'key %'")
        for record in history.records {
            let words =
                [record.from.map { "\($0)" } ?? "-", record.until.map { "\($0)" } ?? "-"]
                + (record.isGivenUp ? ["given-up"] : [])
            try session.run(
                "INSERT INTO meta VALUES (convert_from($1, 'UTF8'), $2)",
                .text(prefix + record.fingerprint.text), .text(words.joined(separator: " ")))
        }
    }

    /// What the database knows of its keys.
    ///
    /// - Parameter records: those whose use is counted, which takes seconds for millions of tokens.
    static func read(
        _ session: BlockingSession, of records: (KeyHistory) -> [KeyRecord]
    ) throws(SessionError) -> StoreKeys {
        let history = try history(session)
        var uses: [KeyFingerprint: KeyUse] = [:]
        let records = records(history)
        if !records.isEmpty, let now = try IssueTimes.read(session).newest {
            for record in records { uses[record.fingerprint] = try use(record, session, now) }
        }
        return StoreKeys(history: history, uses: uses)
    }

    private static func use(
        _ record: KeyRecord, _ session: BlockingSession, _ now: Milliseconds
    ) throws(SessionError) -> KeyUse {
        try KeyUse(now: now) { (table, moment) throws(SessionError) in
            let row = try session.run(
                """
                SELECT count(*), max(expires_at), count(*) FILTER (WHERE expires_at IS NULL)
                FROM \(table.rawValue)
                WHERE issued_at BETWEEN $1 AND $2 AND (expires_at IS NULL OR expires_at > $3)
                """, .number(record.issueTimes.lowerBound), .number(record.issueTimes.upperBound),
                .number(moment)
            ).first
            return KeyUse.Alive(
                count: row?.number(0) ?? 0, endless: row?.number(2) ?? 0,
                lastEnd: row?.number(1))
        }
    }
}

/// When what the database has was issued: the ends of keys, so one look-up each, however much there is.
enum IssueTimes {
    static func read(
        _ session: BlockingSession
    ) throws(SessionError) -> (oldest: Milliseconds?, newest: Milliseconds?) {
        let row = try session.run(
            """
            SELECT least((SELECT min(issued_at) FROM codes), (SELECT min(issued_at) FROM tokens)),
                greatest((SELECT max(issued_at) FROM codes), (SELECT max(issued_at) FROM tokens),
                    (SELECT max(issued_at) FROM ccg_tokens))
            """
        ).first
        return (row?.number(0), row?.number(1))
    }
}
