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
            try self.init(try Database.reading(path))
        } catch {
            throw StoreFailure("cannot read the store \(path): \(error)")
        }
    }

    /// The same through an open connection.
    private init(_ database: Database) throws(DatabaseError) {
        // Each is the end of a key: five look-ups, however many there are.
        let select = try database.prepare(
            """
            SELECT min(oldest), max(newest) FROM (
                SELECT (SELECT min(issued_at) FROM codes) AS oldest,
                    (SELECT max(issued_at) FROM codes) AS newest
                UNION ALL SELECT (SELECT min(issued_at) FROM tokens),
                    (SELECT max(issued_at) FROM tokens)
                UNION ALL SELECT NULL, (SELECT max(issued_at) FROM ccg_tokens))
            """)
        defer { select.reset() }
        let isThere = try select.step()
        oldest = isThere ? select.optionalInteger(0) : nil
        newest = isThere ? select.optionalInteger(1) : nil
    }

    /// The last moment alone, for a start: a damaged store opens too, so what cannot be read is left out.
    static func newest(_ database: Database) throws(DatabaseError) -> Milliseconds? {
        var newest: Milliseconds?
        for table in ["codes", "tokens", "ccg_tokens"] {
            do throws(DatabaseError) {
                // 0 where there is nothing.
                let time = try database.integer("SELECT max(issued_at) FROM \(table)")
                if time > newest ?? 0 { newest = time }
            } catch  where error.isDamage {
                continue
            }
        }
        return newest
    }
}
