// Removes from one table what has expired, and looks at few rows each time.

import Tokens

/// The rows of a table, which stand in the order of their issue and know when they expire.
///
/// Rows mostly expire in the order of their issue, so they leave at the left edge. Where a lifetime
/// was changed, expired rows stand behind live ones. So a second look wanders through the whole
/// table: each time it goes on where it stopped, and behind the last row it begins anew.
final class ExpiredRows {
    /// Rows that one look sees, and that it may remove: about a millisecond.
    static let rowsMax = 500
    /// How long nothing is removed where a part of the table cannot be read, in milliseconds.
    static let restMilliseconds: Milliseconds = 10 * 60 * 1000

    private struct Key {
        let issuedAt: Milliseconds
        let digest: [UInt8]
        /// Before every row.
        static let edge = Key(issuedAt: .min, digest: [0])
    }

    private let table: String
    private let keptMilliseconds: Milliseconds
    private let look: Statement
    private let delete: Statement
    private var place = Key.edge
    private var restsUntil = Milliseconds.min

    /// - Parameter keptMilliseconds: how long rows stay after they have expired.
    init(
        _ database: Database, _ table: String, keptMilliseconds: Milliseconds = 0
    ) throws(DatabaseError) {
        self.table = table
        self.keptMilliseconds = keptMilliseconds
        look = try database.prepare(
            """
            SELECT issued_at, digest, expires_at <= ? FROM \(table)
            WHERE (issued_at, digest) > (?, ?) ORDER BY issued_at, digest LIMIT ?
            """)
        delete = try database.prepare(
            """
            DELETE FROM \(table) WHERE (issued_at, digest) > (?, ?)
                AND (issued_at, digest) <= (?, ?) AND expires_at <= ?
            """)
    }

    /// Nothing is removed for a while, since a part of the table cannot be read.
    func rests(at now: Milliseconds) -> Bool { now < restsUntil }

    /// Removes some of the rows that have expired.
    ///
    /// - Returns: whether more are likely to be waiting.
    /// - Throws: once where a part of the table cannot be read; the table rests then.
    func remove(now: Milliseconds) throws(DatabaseError) -> Bool {
        guard !rests(at: now) else { return false }
        do throws(DatabaseError) {
            return try removeSome(expiredAt: now - keptMilliseconds)
        } catch {
            guard error.isDamage else { throw error }
            restsUntil = now + ExpiredRows.restMilliseconds
            // So that at least the edge is clean until the wandering look is here again.
            place = .edge
            throw DatabaseError(
                code: error.code, description: "table \(table): \(error.description)")
        }
    }

    private func removeSome(expiredAt: Milliseconds) throws(DatabaseError) -> Bool {
        let edge = try see(behind: .edge, expiredAt, onlyExpired: true)
        try remove(edge, behind: .edge, expiredAt)
        if edge.rows == ExpiredRows.rowsMax { return true }
        let seen = try see(behind: place, expiredAt, onlyExpired: false)
        try remove(seen, behind: place, expiredAt)
        let isEnd = seen.rows < ExpiredRows.rowsMax
        place = isEnd ? .edge : seen.last
        return !isEnd && seen.expired * 2 > seen.rows
    }

    private struct Sight {
        var rows = 0
        var expired = 0
        var last: Key
    }

    /// - Parameter onlyExpired: ends before the first row that has not expired.
    private func see(
        behind start: Key, _ expiredAt: Milliseconds, onlyExpired: Bool
    ) throws(DatabaseError) -> Sight {
        defer { look.reset() }
        try look.bind(1, expiredAt)
        try look.bind(2, start.issuedAt)
        try look.bind(3, start.digest)
        try look.bind(4, Int64(ExpiredRows.rowsMax))
        var sight = Sight(last: start)
        while try look.step() {
            // NULL, of a row that never expires, is 0.
            let isExpired = look.integer(2) != 0
            if onlyExpired, !isExpired { break }
            sight.rows += 1
            if isExpired { sight.expired += 1 }
            sight.last = Key(issuedAt: look.integer(0), digest: look.blob(1))
        }
        return sight
    }

    private func remove(
        _ sight: Sight, behind start: Key, _ expiredAt: Milliseconds
    ) throws(DatabaseError) {
        guard sight.expired > 0 else { return }
        try delete.bind(1, start.issuedAt)
        try delete.bind(2, start.digest)
        try delete.bind(3, sight.last.issuedAt)
        try delete.bind(4, sight.last.digest)
        try delete.bind(5, expiredAt)
        try delete.run()
    }
}
