// Which rows are looked at to remove what has expired, and what was found.

import Tokens

/// The places of the looks. Rows stand in the order of their issue and mostly expire in that order, so
/// they leave at the left edge. Where a lifetime was changed, expired rows stand behind live ones: a
/// second look wanders through the whole of one table after the other. Both are bounded.
struct ExpiredRows {
    private struct Place: Comparable {
        var issuedAt: Milliseconds
        var digest: [UInt8]
        /// Before every row.
        static let start = Place(issuedAt: .min, digest: [])

        static func < (one: Place, other: Place) -> Bool {
            one.issuedAt != other.issuedAt
                ? one.issuedAt < other.issuedAt : one.digest.lexicographicallyPrecedes(other.digest)
        }
    }

    private static let tables = ExpiringTable.allCases
    /// Nothing is left before these but dead entries of the index, which cost time.
    private var edges = tables.map { _ in Place.start }
    private var places = tables.map { _ in Place.start }
    /// The table that the wandering look is in.
    private var wandering = 0
    /// What was revoked until before this moment nobody needs any more. It was found in the look before:
    /// meanwhile it can only have risen.
    private var outlivedBefore = Milliseconds.min

    private let keptTokens: Milliseconds

    /// - Parameter keptTokens: how long tokens stay that have expired.
    init(keptTokens: Milliseconds) { self.keptTokens = keptTokens }

    private func keptMilliseconds(_ table: ExpiringTable) -> Milliseconds {
        switch table {
        // Used codes stay, so that a replay is recognised.
        case .codes: ReplayMemory.milliseconds
        case .tokens: keptTokens
        case .ccgTokens: 0
        }
    }

    private func look(
        _ table: ExpiringTable, behind place: Place, _ now: Milliseconds
    ) -> Step {
        var parameters = Parameters()
        parameters.add(place.issuedAt)
        parameters.add(bytes: place.digest)
        parameters.add(now - keptMilliseconds(table))
        return Step(table.statement, parameters)
    }

    /// One transaction: the lock, a look at each edge, a look on the way, the consents.
    func steps(now: Milliseconds) -> [Step] {
        var oldest = Parameters()
        for table in [ExpiringTable.codes, .tokens] {
            let index = ExpiredRows.tables.firstIndex(of: table) ?? 0
            oldest.add(edges[index].issuedAt)
        }
        var outlived = Parameters()
        outlived.add(outlivedBefore)
        return [Step(.expiryLock)]
            + zip(ExpiredRows.tables, edges).map { look($0, behind: $1, now) }
            + [
                look(ExpiredRows.tables[wandering], behind: places[wandering], now),
                Step(.forgetConsents, outlived), Step(.oldest, oldest),
            ]
    }

    /// - Parameter results: of `steps`.
    /// - Returns: whether more is likely to be waiting.
    mutating func read(_ results: [ServerResult], now: Milliseconds) -> Bool {
        guard results.count == ExpiredRows.tables.count + 4, results[0].number(0, 0) != 0 else {
            return false
        }
        var isMore = false
        for index in edges.indices {
            let sight = Sight(results[1 + index])
            if let last = sight.last, sight.expired == sight.seen { edges[index] = last }
            if sight.isFull, sight.expired == sight.seen { isMore = true }
        }
        let sight = Sight(results[1 + edges.count])
        // What is behind the edge and alive has come there late.
        if let last = sight.last, last < edges[wandering], sight.expired < sight.seen {
            edges[wandering] = .start
        }
        if sight.isFull, let last = sight.last {
            places[wandering] = last
            if sight.expired * 2 > sight.seen { isMore = true }
        } else {
            places[wandering] = .start
            wandering = (wandering + 1) % ExpiredRows.tables.count
        }
        let oldest = results[3 + edges.count].optionalNumber(0, 0)
        outlivedBefore = ConsentRevocation.outlivedBefore(oldest: oldest, now: now)
        return isMore
    }

    private struct Sight {
        let last: Place?
        let seen: Int
        let expired: Int
        var isFull: Bool { seen >= ExpiringTable.rowsMax }

        init(_ result: ServerResult) {
            let isEmpty = result.rowCount == 0
            last =
                isEmpty
                ? nil : Place(issuedAt: result.number(0, 0), digest: result.bytes(0, 1))
            seen = isEmpty ? 0 : Int(result.number(0, 3))
            expired = isEmpty ? 0 : Int(result.number(0, 4))
        }
    }
}
