// An empty database, filled from a store of another kind in one transaction: all of it, or nothing.

import System
import Tokens

public final class PostgresCopyTarget: CopyTarget {
    private let copy: CopySession
    private var mode: IssuerSettings.Mode?

    /// - Throws: `StoreFailure` where the database is not empty, or servers run on it.
    public init(_ settings: ConnectionSettings) throws(StoreFailure) {
        copy = try CopySession(settings)
        do throws(StoreFailure) {
            mode = try copy.mode()
            try refuseContent()
        } catch {
            copy.close()
            throw error
        }
    }

    private func refuseContent() throws(StoreFailure) {
        let place = copy.place
        for table in CopiedTable.allCases {
            let row = try copy.explaining {
                try copy.session.run("SELECT EXISTS (SELECT FROM \(table.rawValue))").first
            }
            if row?.truth(0) == true { throw PostgresCopyTarget.present(table.noun, place) }
        }
        let mode = mode ?? .production
        if try copy.head(mode).registry != RegistryContent(mode: mode) {
            throw PostgresCopyTarget.present("a registry", place)
        }
    }

    private static func present(_ what: String, _ place: String) -> StoreFailure {
        StoreFailure(
            "the database \(place) has \(what) already, and nothing is overwritten; choose an empty one",
            .existing)
    }

    public func write(_ head: CopiedHead) throws(StoreFailure) {
        if let mode, mode != head.mode {
            throw StoreFailure(
                "the database \(copy.place) is used in \(mode.rawValue) mode, and what is copied is of "
                    + "\(head.mode.rawValue) mode; choose another database", .configuration)
        }
        mode = head.mode
        var stamp = [UInt8](repeating: 0, count: 16)
        SystemRandom.fill(&stamp)
        try copy.explaining {
            try Meta(copy.session).set(.mode, Array(head.mode.rawValue.utf8))
            try RegistryWriting(copy.session).write(
                head.registry, over: RegistryContent(mode: head.mode), stamp: stamp)
            try DatabaseKeys.write(head.keys, copy.session)
        }
    }

    public func append(_ rows: [CopiedRow], to table: CopiedTable) throws(StoreFailure) {
        let columns = table.columns
        let types = columns.enumerated().map { index, column in
            "$\(index + 1)::\(PostgresCopyTarget.isNumber(column) ? "bigint" : "bytea")[]"
        }
        let values = columns.indices.map { index in
            PostgresCopyTarget.array(columns[index], rows.map { $0[index] })
        }
        _ = try copy.explaining {
            try copy.session.run(
                """
                INSERT INTO \(table.rawValue) (\(table.columnNames))
                SELECT \(table.columnNames)
                FROM unnest(\(types.joined(separator: ", "))) AS rows (\(table.columnNames))
                """, values)
        }
    }

    private static func isNumber(_ column: CopiedTable.Column) -> Bool {
        switch column.kind {
        case .number, .smallNumber: true
        case .text, .bytes: false
        }
    }

    private static func array(
        _ column: CopiedTable.Column, _ values: [CopiedValue]
    ) -> SQLValue {
        guard isNumber(column) else {
            return .manyBytes(values.map { if case .bytes(let bytes) = $0 { bytes } else { nil } })
        }
        return .numbers(values.map { if case .number(let number) = $0 { number } else { nil } })
    }

    public func finish() throws(StoreFailure) -> String? {
        let place = copy.place
        _ = copy.session.takeWarnings()
        return try copy.explaining {
            do throws(SessionError) {
                try copy.session.script("COMMIT")
            } catch {
                guard error.isConnectionLost else { throw error }
                throw StoreFailure(
                    "the database \(place) was lost while the copy was being committed, and nobody knows "
                        + "whether it was: \(error); run the command again, which says that something "
                        + "is there already where it was", .uncertain)
            }
            return copy.session.takeWarnings().first.map {
                "the copy is on one machine only, since the database \(place) warns: \($0)"
            }
        }
    }

    public func head() throws(StoreFailure) -> CopiedHead { try copy.head(mode ?? .production) }

    public func count(of table: CopiedTable) throws(StoreFailure) -> Int {
        try copy.count(of: table)
    }

    public func rows(of table: CopiedTable) throws(StoreFailure) -> any CopiedRows {
        try copy.rows(of: table)
    }

    public func close() { copy.close() }
}
