// The last moment that a store has seen, for commands: their clock may be slower than the server's.

import Glibc
import Tokens

public enum NewestTime {
    /// When the last code or token was issued, as far as any is left; nil where none is.
    ///
    /// Reads through a connection that cannot write, while a server may be writing.
    public static func find(store path: String) throws(StoreFailure) -> Milliseconds? {
        guard unsafe access(path, F_OK) == 0 else { return nil }
        do throws(DatabaseError) {
            let database = try Database(path: path, .readOnly)
            // Each is the right end of a key: three look-ups, however many there are.
            let select = try database.prepare(
                """
                SELECT max(newest) FROM (
                    SELECT max(issued_at) AS newest FROM codes
                    UNION ALL SELECT max(issued_at) FROM tokens
                    UNION ALL SELECT max(issued_at) FROM ccg_tokens)
                """)
            defer { select.reset() }
            return try select.step() ? select.optionalInteger(0) : nil
        } catch {
            throw StoreFailure("cannot read the store \(path): \(error)")
        }
    }
}
