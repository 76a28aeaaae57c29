// When what a store has was issued, for a server that starts and for commands: their clock may be
// behind, and commands know no lifetimes.

import Tokens

/// The first and the last moment of what is stored; nil where nothing is.
public struct IssueTimes: Sendable {
    /// No code or token that is left was issued earlier.
    public let oldest: Milliseconds?
    /// Nor was one later. CCG tokens count.
    public let newest: Milliseconds?

    /// Reads through a connection that cannot write, while a server may be writing.
    ///
    /// - Returns: nil where there is no such store: no server has used it.
    /// - Throws: where it is none of ours, or cannot be read.
    public init?(store path: String) throws(StoreFailure) {
        guard try Schema.mark.isThere(path) else { return nil }
        do throws(DatabaseError) {
            let database = try Database.reading(path)
            oldest = try IssueTimes.edge("min", ["codes", "tokens"], database).min()
            newest = try IssueTimes.newest(database)
        } catch {
            throw StoreFailure("cannot read the store \(path): \(error)")
        }
    }

    /// The last moment alone.
    ///
    /// - Parameter isStart: a damaged store opens too, so what cannot be read is left out.
    static func newest(
        _ database: Database, atStart isStart: Bool = false
    ) throws(DatabaseError) -> Milliseconds? {
        try edge("max", ["codes", "tokens", "ccg_tokens"], database, leavesOutDamage: isStart).max()
    }

    /// The first or last moment of each table that has any. Each is the end of a key: one look-up,
    /// however much there is.
    private static func edge(
        _ function: String, _ tables: [String], _ database: Database, leavesOutDamage: Bool = false
    ) throws(DatabaseError) -> [Milliseconds] {
        var moments: [Milliseconds] = []
        for table in tables {
            do throws(DatabaseError) {
                let select = try database.prepare("SELECT \(function)(issued_at) FROM \(table)")
                defer { select.reset() }
                if try select.step(), let time = select.optionalInteger(0) { moments.append(time) }
            } catch  where leavesOutDamage && error.isDamage {
                continue
            }
        }
        return moments
    }
}
