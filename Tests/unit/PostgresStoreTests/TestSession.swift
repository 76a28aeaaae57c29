// A plain connection to the database under test, for what tests do behind the store's back.

import CPostgres
import Foundation
import Testing

/// The database that tests may use: a schema of their own is all that they touch.
enum TestDatabase {
    static let url = ProcessInfo.processInfo.environment["TEST_POSTGRES_URL"]
    static var isThere: Bool { url != nil }

    /// As libpq's connection parameters.
    static func keywords(schema: String? = nil) throws -> [(String, String)] {
        guard let options = unsafe PQconninfoParse(url ?? "", nil) else {
            throw TestSession.Failure(text: "TEST_POSTGRES_URL is no address of a database")
        }
        defer { unsafe PQconninfoFree(options) }
        var keywords: [(String, String)] = []
        var next = unsafe options
        while let keyword = unsafe next.pointee.keyword {
            if let value = unsafe next.pointee.val {
                keywords.append(
                    (unsafe String(cString: keyword), unsafe String(cString: value)))
            }
            unsafe next += 1
        }
        if let schema {
            keywords.append(("options", "-csearch_path=\(schema)"))
            keywords.append(("application_name", schema))
        }
        return keywords
    }
}

/// What needs a database runs only where there is one. One after the other: they share locks.
@Suite(.enabled(if: TestDatabase.isThere), .serialized) enum OnPostgres {}

/// Blocks. One thread.
@safe final class TestSession {
    struct Failure: Error { let text: String }
    private let raw: OpaquePointer

    init(schema: String? = nil) throws {
        let conninfo = try TestDatabase.keywords(schema: schema).map { "\($0)='\($1)'" }
        guard let raw = unsafe PQconnectdb(conninfo.joined(separator: " ")) else {
            throw Failure(text: "no memory")
        }
        unsafe self.raw = raw
        _ = try run("SET client_min_messages = error")
    }

    deinit { unsafe PQfinish(raw) }

    /// The rows as texts; NULL is empty.
    @discardableResult
    func run(_ sql: String) throws -> [[String]] {
        let result = unsafe PQexec(raw, sql)
        defer { unsafe PQclear(result) }
        let status = unsafe PQresultStatus(result)
        guard status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK else {
            throw Failure(text: unsafe String(cString: PQerrorMessage(raw)))
        }
        return unsafe (0..<PQntuples(result)).map { row in
            unsafe (0..<PQnfields(result)).map { column in
                unsafe String(cString: PQgetvalue(result, row, column))
            }
        }
    }

    func number(_ sql: String) throws -> Int {
        let text = try run(sql).first?.first
        return try #require(text.flatMap { Int($0) })
    }
}
