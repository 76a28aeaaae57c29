// A store that takes another one's place takes over its figures: what was counted cannot be counted again.

import System
import Tokens

extension ReportRows {
    private static let columns = [
        ("report_runs", "id, name, started_at, alive_until, stopped_at"),
        (
            "report_days",
            "day, institution, endpoint, run, requests, failed, microseconds, durations"
        ),
        ("report_outages", "run, started_at, endpoint, ended_at, failed, cause"),
    ]

    /// Puts the figures of an old store in the place of those of a new one. The old one may be damaged, or
    /// of a version that had none: then the new one keeps what it has.
    ///
    /// - Parameters:
    ///   - old: a store that no server uses.
    ///   - new: of the newest version.
    /// - Returns: why the old one's figures are lost; nil: they are not, or there were none.
    static func carryOver(from old: String, to new: String) throws -> String? {
        guard PrivateFile.exists(old) else { return nil }
        let source: [(insert: String, rows: [[Value]])]
        do throws(DatabaseError) {
            let database = try Database.reading(old)
            guard try areThere(database) else { return nil }
            source = try read(database)
        } catch {
            return error.description
        }
        let target = try Database(path: new, .existing)
        try Schema.migrate(target, path: new)
        try target.execute("PRAGMA synchronous = EXTRA; BEGIN")
        for (table, _) in columns { try target.execute("DELETE FROM \(table)") }
        for (sql, rows) in source {
            let insert = try target.prepare(sql)
            for row in rows {
                for (index, value) in row.enumerated() { try value.bind(insert, Int32(index + 1)) }
                try insert.run()
            }
        }
        try target.execute("COMMIT")
        return nil
    }

    /// False in a store of a version that had no figures.
    static func areThere(_ database: Database) throws(DatabaseError) -> Bool {
        try database.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'report_days'") == 1
    }

    private static func read(
        _ database: Database
    ) throws(DatabaseError) -> [(insert: String, rows: [[Value]])] {
        var tables: [(insert: String, rows: [[Value]])] = []
        for (table, columns) in columns {
            let names = columns.split(separator: ",")
            let select = try database.prepare("SELECT \(columns) FROM \(table)")
            var rows: [[Value]] = []
            while try select.step() {
                rows.append(names.indices.map { Value(select, Int32($0), names[$0]) })
            }
            let places = names.map { _ in "?" }.joined(separator: ", ")
            tables.append(("INSERT INTO \(table) (\(columns)) VALUES (\(places))", rows))
        }
        return tables
    }

    private enum Value {
        case integer(Int64?)
        case text(String)
        case bytes([UInt8])

        init(_ row: Statement, _ column: Int32, _ name: Substring) {
            switch name.drop(while: { $0 == " " }) {
            case "name", "institution", "cause": self = .text(row.text(column))
            case "durations": self = .bytes(row.blob(column))
            default: self = .integer(row.optionalInteger(column))
            }
        }

        func bind(_ statement: Statement, _ index: Int32) throws(DatabaseError) {
            switch self {
            case .integer(let value): try statement.bind(index, value)
            case .text(let value): try statement.bind(index, value)
            case .bytes(let value): try statement.bind(index, value)
            }
        }
    }
}
