// Writes a store anew without what is free in it, while no server uses it.

import Tokens

public enum Compaction {
    /// Writes the file anew, so that it has no free pages and can give them back from then on. What was
    /// removed before is nowhere in it. Blocks; needs about twice as much free disk as the store has in
    /// use.
    ///
    /// - Returns: the bytes of the file before and after.
    /// - Throws: `StoreFailure` where there is no store, a server uses it, or the disk is full; it is as
    ///   it was then.
    public static func run(store path: String) throws(StoreFailure) -> (before: Int, after: Int) {
        guard try Schema.mark.isThere(path) else {
            throw StoreFailure(
                "there is no store at \(path); choose the right one with --store", .absent)
        }
        let place = try StorePlace(path, companions: [], for: .command)
        defer { place.lock.release() }
        do {
            return try rewrite(try Database(path: path, .existing), path)
        } catch {
            throw error as? StoreFailure ?? StoreFailure("cannot compact \(path): \(error)")
        }
    }

    private static func rewrite(
        _ database: Database, _ path: String
    ) throws -> (before: Int, after: Int) {
        // Refuses what a newer program has made.
        _ = try Schema.mark.version(of: database, path: path)
        try Schema.prepareWriter(database)
        let page = try database.integer("PRAGMA page_size")
        let before = try database.integer("PRAGMA page_count")
        try database.execute("PRAGMA auto_vacuum = INCREMENTAL; VACUUM")
        guard try database.eraseLog() else {
            throw StoreFailure(
                "\(path) is compact, but somebody still reads its log; run the command again")
        }
        let after = try database.integer("PRAGMA page_count")
        return (Int(before * page), Int(after * page))
    }
}
