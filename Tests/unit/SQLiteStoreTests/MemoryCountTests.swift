// SQLite counts the memory that it has in use, at a lock for each piece, unless it is told before its
// first connection that nobody wants to know.

import CSQLite
import Testing

@testable import SQLiteStore

@Suite struct MemoryCountTests {
    /// Whichever part of the program opens the first one.
    @Test func noConnectionCountsMemory() throws {
        let folder = try TemporaryFolder()
        let database = try Database(path: "\(folder.path)/any", .readWrite)
        try database.execute("CREATE TABLE numbers (number INTEGER)")
        #expect(sqlite3_memory_used() == 0)
    }
}
