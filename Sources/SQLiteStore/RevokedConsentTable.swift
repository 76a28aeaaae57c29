// The table of revoked consents: what the writing connection does to it, and how others ask it.

import Tokens

/// The statements about it. Inside transactions that somebody else begins and commits.
final class RevokedConsentTable {
    /// In the place of an institution: any.
    private static let anyInstitution: Int64 = 0

    /// Until when the consent of a row is revoked at its institution; NULL: it is not.
    ///
    /// The plus keeps SQLite from seeking twice: a consent has a row or two.
    ///
    /// - Parameter table: has the columns `consent` and `institution`.
    static func moment(ofRowsIn table: String) -> String {
        """
        (SELECT max(revoked_until) FROM revoked_consents
        WHERE revoked_consents.consent = \(table).consent
            AND +revoked_consents.institution IN (\(anyInstitution), \(table).institution))
        """
    }

    private let database: Database
    private let upsert: Statement
    private let newest: Statement
    private let oldest: Statement
    private let deleteOutlived: Statement
    /// True as long as none has been revoked, so that exchanges need not ask.
    private(set) var isEmpty: Bool
    private var restsUntil = Milliseconds.min

    init(_ database: Database) throws(DatabaseError) {
        self.database = database
        upsert = try database.prepare(
            """
            INSERT INTO revoked_consents VALUES (?, ?, ?)
            ON CONFLICT DO UPDATE SET revoked_until = excluded.revoked_until
            WHERE excluded.revoked_until > revoked_until
            """)
        // Ends of keys: two look-ups each, however many rows there are.
        newest = try database.prepare(
            "SELECT max((SELECT ifnull(max(issued_at), 0) FROM codes), "
                + "(SELECT ifnull(max(issued_at), 0) FROM tokens))")
        oldest = try database.prepare(
            "SELECT min(oldest) FROM (SELECT min(issued_at) AS oldest FROM codes "
                + "UNION ALL SELECT min(issued_at) FROM tokens)")
        deleteOutlived = try database.prepare(
            """
            DELETE FROM revoked_consents WHERE (consent, institution) IN (
                SELECT consent, institution FROM revoked_consents
                WHERE revoked_until < ? ORDER BY revoked_until LIMIT ?)
            """)
        do throws(DatabaseError) {
            isEmpty =
                try database.integer("SELECT NOT EXISTS (SELECT 1 FROM revoked_consents)") != 0
        } catch {
            // What can be read of it still counts.
            guard error.isDamage else { throw error }
            isEmpty = false
        }
    }

    /// Revokes what was made until `now` and whatever is stored, though it says that it is younger.
    func revokeAll(of consent: ConsentRevocation, now: Milliseconds) throws(DatabaseError) {
        defer { newest.reset() }
        let stored = try newest.step() ? newest.integer(0) : 0
        try revoke(consent, until: max(now, stored))
    }

    /// A moment only rises.
    func revoke(_ consent: ConsentRevocation, until: Milliseconds) throws(DatabaseError) {
        try upsert.bind(1, consent.consentID)
        let number = consent.institution.map { Int64($0.number) }
        try upsert.bind(2, number ?? RevokedConsentTable.anyInstitution)
        try upsert.bind(3, until)
        try upsert.run()
        isEmpty = false
    }

    /// Takes over what commands have revoked while no server ran: after a long time most of it may be of
    /// no use any more.
    func adopt(_ rows: [RevokedConsent], now: Milliseconds) throws(DatabaseError) {
        var outlived = Milliseconds.min
        do throws(DatabaseError) {
            outlived = try outlivedBefore(now: now)
        } catch {
            guard error.isDamage else { throw error }
        }
        for row in rows where row.until >= outlived {
            try revoke(row.consent, until: row.until)
        }
    }

    /// Nothing is removed for a while, since a part of a table cannot be read.
    func rests(at now: Milliseconds) -> Bool { now < restsUntil }

    /// Removes some of the rows that nobody needs any more.
    ///
    /// - Returns: whether more may be waiting.
    /// - Throws: once where a part of a table cannot be read; then it rests.
    func removeOutlived(now: Milliseconds) throws(DatabaseError) -> Bool {
        if isEmpty || rests(at: now) { return false }
        do throws(DatabaseError) {
            try deleteOutlived.bind(1, try outlivedBefore(now: now))
            try deleteOutlived.bind(2, Int64(ExpiredRows.rowsMax))
            try deleteOutlived.run()
            return database.changes == ExpiredRows.rowsMax
        } catch {
            guard error.isDamage else { throw error }
            restsUntil = now + ExpiredRows.restMilliseconds
            throw DatabaseError(
                code: error.code, description: "table revoked_consents: \(error.description)")
        }
    }

    /// Nobody needs what was revoked until before this moment.
    private func outlivedBefore(now: Milliseconds) throws(DatabaseError) -> Milliseconds {
        defer { oldest.reset() }
        let first = try oldest.step() ? oldest.optionalInteger(0) : nil
        return ConsentRevocation.outlivedBefore(oldest: first, now: now)
    }
}
