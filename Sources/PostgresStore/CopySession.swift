// A database that nobody else uses, for a copy: what both sides of one have in common.

import Tokens

/// One transaction on one connection, from `init` until `commit` or `close`. One thread; blocks.
final class CopySession {
    let session: BlockingSession
    let place: String

    /// For one statement: to count and to fetch from millions of rows takes its time.
    private static let statementMilliseconds = 600_000

    /// Servers and commands that would use the tables wait, or are refused, until this ends.
    ///
    /// - Throws: `StoreFailure` while servers run on the database, or where its tables are missing.
    init(_ settings: ConnectionSettings) throws(StoreFailure) {
        let place = settings.place
        self.place = place
        session = try StoreFailure.explaining(place) {
            let session = try Connector(
                settings, timeoutMilliseconds: PostgresRegistry.timeoutMilliseconds
            ).connect()
            try SchemaCheck.check(session, place)
            session.timeoutMilliseconds = CopySession.statementMilliseconds
            try CopySession.begin(session)
            let nodes = try Nodes.alive(session)
            guard nodes.isEmpty else {
                throw StoreFailure(
                    "servers are running on the database \(place): "
                        + nodes.map(\.name).joined(separator: ", ")
                        + "; stop them first (one that was killed counts for "
                        + "\(Nodes.goneAfterMilliseconds / 1000) s)")
            }
            return session
        }
    }

    /// The locks come before the snapshot, so that it has all that others have done.
    private static func begin(_ session: BlockingSession) throws(SessionError) {
        try session.script(
            """
            SET lock_timeout = 10000; SET statement_timeout = 0;
            SET idle_in_transaction_session_timeout = 0;
            SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off;
            SET jit = off;
            SELECT pg_advisory_lock(\(DatabaseKeys.startLock));
            SELECT pg_advisory_lock(\(DatabaseKeys.lock))
            """)
        let tables = TokenTables.names.joined(separator: ", ")
        try session.script("BEGIN ISOLATION LEVEL REPEATABLE READ")
        try session.script("LOCK TABLE \(tables) IN EXCLUSIVE MODE")
        // As whoever changes the registry.
        _ = try Meta(session).required(.registryVersion, locks: true)
    }

    func explaining<Answer>(_ body: () throws -> Answer) throws(StoreFailure) -> Answer {
        try StoreFailure.explaining(place, body)
    }

    /// nil: nobody has used the database.
    func mode() throws(StoreFailure) -> IssuerSettings.Mode? {
        try explaining { try PostgresRegistry.mode(session) }
    }

    func head(_ mode: IssuerSettings.Mode) throws(StoreFailure) -> CopiedHead {
        try explaining {
            CopiedHead(
                registry: try RegistryReading.read(session, mode).content,
                keys: try DatabaseKeys.history(session))
        }
    }

    func count(of table: CopiedTable) throws(StoreFailure) -> Int {
        try explaining {
            Int(try session.run("SELECT count(*) FROM \(table.rawValue)").first?.number(0) ?? 0)
        }
    }

    func rows(of table: CopiedTable) throws(StoreFailure) -> any CopiedRows {
        try RowsOfDatabase(table, self)
    }

    /// Undoes what was not committed, and lets others go on.
    func close() { session.close() }
}

/// Fetches from a cursor.
private final class RowsOfDatabase: CopiedRows {
    private let table: CopiedTable
    private let copy: CopySession
    private var isOver = false

    init(_ table: CopiedTable, _ copy: CopySession) throws(StoreFailure) {
        (self.table, self.copy) = (table, copy)
        let key = table.columns.prefix(2).map(\.name).joined(separator: ", ")
        try copy.explaining {
            try copy.session.script(
                """
                DECLARE copied_\(table.rawValue) NO SCROLL CURSOR FOR
                SELECT \(table.columnNames) FROM \(table.rawValue) ORDER BY \(key)
                """)
        }
    }

    func next(_ count: Int) throws(StoreFailure) -> [CopiedRow] {
        guard !isOver else { return [] }
        return try copy.explaining {
            let cursor = "copied_\(table.rawValue)"
            let rows = try copy.session.run("FETCH \(count) FROM \(cursor)")
            if rows.count < count {
                isOver = true
                try copy.session.script("CLOSE \(cursor)")
            }
            return rows.map(row)
        }
    }

    private func row(_ row: SQLRow) -> CopiedRow {
        table.columns.enumerated().map { index, column in
            switch column.kind {
            case .number, .smallNumber: row.number(index).map { .number($0) } ?? .nothing
            case .text, .bytes: row.bytes(index).map { .bytes($0) } ?? .nothing
            }
        }
    }
}
