// Gives the pages that a file no longer needs back to the file system, a few at a time.

/// The free pages of a database file. Inside transactions.
final class FreeSpace {
    /// Pages in one job: each may have to be moved, with what points to it.
    static let pagesMax: Int64 = 128
    /// So many stay for what comes: a quarter of the file, and at least 4 MB.
    static let keptPages: Int64 = 1024

    private let freeCount: Statement
    private let pageCount: Statement
    private let shrink: Statement
    /// A file that 0.7.0 has made can only be shrunk as a whole.
    private let canShrink: Bool
    /// Nothing is moved any more in a file that is damaged.
    private(set) var hasMetDamage = false

    init(_ database: Database) throws(DatabaseError) {
        let incremental: Int64 = 2
        canShrink = try database.integer("PRAGMA auto_vacuum") == incremental
        freeCount = try database.prepare("PRAGMA freelist_count")
        pageCount = try database.prepare("PRAGMA page_count")
        shrink = try database.prepare("PRAGMA incremental_vacuum(\(FreeSpace.pagesMax))")
    }

    /// Shortens the file where much of it is free.
    ///
    /// - Throws: once where the file turns out to be damaged.
    func giveBack() throws(DatabaseError) {
        guard canShrink, !hasMetDamage else { return }
        do throws(DatabaseError) {
            let (free, all) = (try value(freeCount), try value(pageCount))
            guard free > max(all / 4, FreeSpace.keptPages) else { return }
            try shrink.run()
        } catch {
            hasMetDamage = error.isDamage
            throw error
        }
    }

    private func value(_ statement: Statement) throws(DatabaseError) -> Int64 {
        defer { statement.reset() }
        return try statement.step() ? statement.integer(0) : 0
    }
}
