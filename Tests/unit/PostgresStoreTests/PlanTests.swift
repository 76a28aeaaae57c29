// No statement scans a table, though the statistics are those of a small one, or of an empty one.

import Testing

@testable import PostgresStore

extension OnPostgres {
    @Suite struct PlanTests {
        private static let statements = Array(
            Dictionary((Statement.writing + Statement.reading).map { ($0.name, $0) }) { one, _ in
                one
            }
            .values
        ).sorted { $0.name < $1.name }

        /// A session keeps the plan of its first day, when there were no rows.
        @Test(arguments: [0, 500]) func noStatementScansATable(rows: UInt64) throws {
            let rig = try Rig()
            defer { rig.closeOrRecord() }
            try rig.insert((0..<rows).map { Rig.code($0) })
            let session = try TestSession(schema: rig.schema)
            try session.run(
                """
                INSERT INTO tokens SELECT issued_at, digest, institution, provider, scope, consent,
                    account, expires_at, issued_at FROM codes;
                INSERT INTO ccg_tokens SELECT issued_at, digest, institution, provider, expires_at
                    FROM codes;
                INSERT INTO revoked_consents SELECT consent, institution, 5 FROM codes
                """)
            if rows > 0 { try session.run("ANALYZE") }
            try session.run(SessionSetup.settings)
            for statement in Self.statements {
                let types = statement.types.map(\.sqlName).joined(separator: ", ")
                let signature = types.isEmpty ? "" : " (\(types))"
                try session.run("PREPARE \(statement.name)\(signature) AS \(statement.sql)")
                let nulls = statement.types.map { _ in "NULL" }.joined(separator: ", ")
                let call = statement.types.isEmpty ? statement.name : "\(statement.name) (\(nulls))"
                let plan = try session.run("EXPLAIN EXECUTE \(call)").joined().joined(
                    separator: "\n")
                // A bitmap is made of all that an index names, before the first row is taken.
                #expect(!plan.contains("Seq Scan"), "\(statement.name): \(plan)")
                #expect(!plan.contains("Bitmap"), "\(statement.name): \(plan)")
            }
        }
    }
}

extension ParameterType {
    fileprivate var sqlName: String {
        switch self {
        case .boolean: "boolean"
        case .bytes: "bytea"
        case .number: "bigint"
        case .text: "text"
        case .numbers: "bigint[]"
        case .smallNumbers: "smallint[]"
        case .manyBytes: "bytea[]"
        case .texts: "text[]"
        }
    }
}
