// What has expired leaves in bounded steps, whatever lifetimes the rows were given.

import FailingDisk
import Testing
import Tokens

@testable import SQLiteStore

@Suite struct ExpiredRowsTests {
    /// How long the rows of a table live, by their place in it. All are issued at 1, 2, 3 …
    enum Lifetimes: String, CaseIterable {
        case raised, lowered, alternating, runs, foreverThenShort

        /// When the row expires, in SQL. What is before 1,000,000 has expired.
        var expiry: String {
            switch self {
            case .raised: "iif(i < 10000, 5, 2000000)"
            case .lowered: "iif(i < 10000, 2000000, 5)"
            case .alternating: "iif(i % 2, 5, 2000000)"
            case .runs: "iif(i / 700 % 2, 5, 2000000)"
            case .foreverThenShort: "iif(i < 10000, NULL, 5)"
            }
        }
    }

    private static let rows: Int64 = 20_000
    private static let now: Milliseconds = 1_000_000

    private func table(_ expiry: String, in folder: TemporaryFolder) throws -> Database {
        let database = try Database(path: "\(folder.path)/store.db", .readWrite)
        try Schema.prepareWriter(database)
        try Schema.migrate(database, path: folder.path)
        try database.execute(
            """
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \
            \(ExpiredRowsTests.rows))
            INSERT INTO tokens (issued_at, digest, institution, provider, scope, consent, account,
                expires_at)
            SELECT i, randomblob(32), 1, 1, 0, 'c', 'a', \(expiry) FROM n ORDER BY 1
            """)
        return database
    }

    private func count(_ database: Database, _ condition: String) throws -> Int64 {
        try database.integer("SELECT count(*) FROM tokens WHERE \(condition)")
    }

    /// Work is counted in steps of SQLite's machine: some 12 to see a row, and 15 to remove it.
    @Test(arguments: Lifetimes.allCases)
    func workOfACallIsBoundedAndEverythingExpiredLeaves(lifetimes: Lifetimes) throws {
        let folder = try TemporaryFolder()
        let database = try table(lifetimes.expiry, in: folder)
        let expired = "expires_at <= \(ExpiredRowsTests.now)"
        let live = ExpiredRowsTests.rows - (try count(database, expired))
        let transactions = try Transactions(database, TokenChanges())
        let limit = 60 * ExpiredRows.rowsMax
        var worst = 0
        // SQLite counts here until the test is over.
        let steps = UnsafeMutablePointer<Int>.allocate(capacity: 1)
        defer { unsafe steps.deallocate() }
        unsafe step_count_begin(database.handle, steps)
        var calls = 0
        while calls < 200 {
            let left = try count(database, expired)
            if left == 0 { break }
            unsafe steps.pointee = 0
            try transactions.begin()
            _ = try transactions.removeExpired(now: ExpiredRowsTests.now)
            try transactions.commit()
            worst = unsafe max(worst, steps.pointee)
            calls += 1
        }
        unsafe step_count_begin(database.handle, nil)
        #expect(worst <= limit, "a call took \(worst) steps")
        #expect(try count(database, expired) == 0)
        #expect(try count(database, "true") == live, "something alive is gone")
        #expect(calls <= 60)
    }

    /// A look that finds little has no hurry: the next comes in a second, and goes on from there.
    @Test func hurriesOnlyWhereMuchHasExpired() throws {
        let folder = try TemporaryFolder()
        let database = try table(Lifetimes.lowered.expiry, in: folder)
        let rows = try ExpiredRows(database, "tokens")
        let isMore = try (0..<41).map { _ in try rows.remove(now: ExpiredRowsTests.now) }
        // 20 looks at rows that live, 20 at rows that have expired, and one that finds the end.
        #expect(isMore.prefix(20).allSatisfy { !$0 })
        #expect(isMore[20..<40].allSatisfy { $0 })
        #expect(isMore.last == false)
    }

    @Test func rowsStayAsLongAsTheyAreKept() throws {
        let folder = try TemporaryFolder()
        let database = try table("i + 100", in: folder)
        let rows = try ExpiredRows(database, "tokens", keptMilliseconds: 1000)
        _ = try rows.remove(now: 1110)
        #expect(try count(database, "true") == ExpiredRowsTests.rows - 10)
    }
}
