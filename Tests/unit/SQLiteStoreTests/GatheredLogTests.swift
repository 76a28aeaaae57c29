// What is gathered for the log is in the file whenever somebody looks or it is synced.

import CSQLite
import FailingDisk
import Foundation
import Testing

@testable import SQLiteStore

@Suite struct GatheredLogTests {
    private let folder: TemporaryFolder
    private var path: String { "\(folder.path)/store.db" }

    init() throws {
        folder = try TemporaryFolder()
    }

    private func writer(_ cachePages: Int = 4000) throws -> Database {
        Database.makePrivate(path)
        let database = try Database(path: path, .writing)
        try Schema.prepareWriter(database)
        // What does not fit is written before the transaction ends, and read again.
        try database.execute(
            "PRAGMA cache_size = \(cachePages); CREATE TABLE IF NOT EXISTS rows (n INTEGER, text TEXT)"
        )
        return database
    }

    private func write(_ rows: Int, from first: Int, _ database: Database) throws {
        try database.execute(
            """
            WITH RECURSIVE numbers(n) AS (
                SELECT \(first) UNION ALL SELECT n + 1 FROM numbers WHERE n < \(first + rows - 1))
            INSERT INTO rows SELECT n, hex(zeroblob(500)) || n FROM numbers
            """)
    }

    private func sum(_ database: Database) throws -> Int64 {
        try database.integer("SELECT sum(n) + sum(length(text)) FROM rows")
    }

    /// The same rows where nothing is gathered.
    private func expected(_ rows: Int) -> Int64 {
        (1...rows).reduce(0) { $0 + Int64($1 + 1000 + "\($1)".count) }
    }

    /// From less than what is gathered at once, to many times as much; and more than the cache holds.
    @Test(arguments: [1, 25, 29, 30, 31, 32, 120, 128, 1000, 5000], [4000, 10])
    func everyRowIsSeenByOthersAndAfterACrash(rows: Int, cachePages: Int) throws {
        let database = try writer(cachePages)
        let reader = try Database(path: path, .readOnly)
        try database.execute("BEGIN IMMEDIATE")
        try write(rows, from: 1, database)
        #expect(try reader.integer("SELECT count(*) FROM rows") == 0)
        #expect(try sum(database) == expected(rows))
        try database.execute("COMMIT")
        #expect(try sum(reader) == expected(rows))
        // As a crash would leave the files.
        let copy = "\(folder.path)/copy.db"
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: path + suffix, toPath: copy + suffix)
        }
        let crashed = try Database(path: copy, .readWrite)
        #expect(try sum(crashed) == expected(rows))
        #expect(try database.eraseLog())
        #expect(try sum(reader) == expected(rows))
    }

    @Test func whatIsRolledBackIsNowhere() throws {
        let database = try writer(10)
        let reader = try Database(path: path, .readOnly)
        for round in 0..<5 {
            try database.execute("BEGIN IMMEDIATE")
            try write(3000, from: 1, database)
            try database.execute("ROLLBACK")
            try write(10, from: 1 + round * 10, database)
            #expect(try sum(reader) == expected(10 + round * 10))
            #expect(
                try database.integer("SELECT integrity_check = 'ok' FROM pragma_integrity_check")
                    == 1)
        }
    }

    /// What an undone transaction had gathered would stand where another connection has committed since.
    @Test func whatIsUndoneIsNotWrittenOverOthers() throws {
        let database = try writer(10)
        try write(600, from: 1, database)
        #expect(try database.eraseLog())
        try database.execute("BEGIN IMMEDIATE; UPDATE rows SET n = -n")
        try database.undo()
        let other = try Database(path: path, .readWrite)
        try other.execute("UPDATE rows SET n = n + 1")
        #expect(try sum(database) == expected(600) + 600)
        // As a crash would leave the files.
        let copy = "\(folder.path)/copy.db"
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: path + suffix, toPath: copy + suffix)
        }
        #expect(try sum(try Database(path: copy, .readWrite)) == expected(600) + 600)
    }

    @Test(arguments: [10, 3000])
    func writeThatFailsFailsTheTransaction(rows: Int) throws {
        let database = try writer()
        try write(10, from: 1, database)
        unsafe failing_disk_set("\(path)-wal", FAILING_DISK_WRITE)
        #expect(throws: DatabaseError.self) { try write(rows, from: 11, database) }
        unsafe failing_disk_set("\(path)-wal", FAILING_DISK_NONE)
        #expect(try sum(database) == expected(10))
        try write(10, from: 11, database)
        #expect(try sum(try Database(path: path, .readOnly)) == expected(20))
    }

    /// One call for a transaction that is not large.
    @Test func aTransactionIsWrittenAtOnce() throws {
        let database = try writer()
        try write(10, from: 1, database)
        #expect(try database.eraseLog())
        _ = unsafe failing_disk_writes("\(path)-wal")
        try write(20, from: 11, database)
        // The head of the log is synced before.
        #expect(unsafe failing_disk_writes("\(path)-wal") <= 2)
    }
}
