// The figures of the reports in a database: the server's side, over a connection of its own.

import Reports
import Tokens

/// Writes them, and says each second that the server is alive. One thread; blocks, for some seconds at the
/// most.
public final class PostgresReports: ReportStore {
    private let connector: Connector
    private(set) var session: BlockingSession?
    /// What it is known by once its row is there.
    private var run: Int64?
    public private(set) var mayHaveLost = false

    private static let timeoutMilliseconds = 1000
    private static let saveMilliseconds = 5000

    public init(_ settings: ConnectionSettings) {
        connector = Connector(settings, timeoutMilliseconds: PostgresReports.timeoutMilliseconds)
    }

    private func open() throws(SessionError) -> BlockingSession {
        if let session, session.isOpen { return session }
        if session != nil { mayHaveLost = true }
        let opened = try connector.connect()
        session = opened
        // Nobody is told what is written here, so nobody waits for a disk, or for a standby that is away: the
        // connections that wait would become more and more.
        try opened.script("SET synchronous_commit = off")
        return opened
    }

    public func save(_ batch: ReportBatch) -> String? {
        let isWhole = mayHaveLost
        do throws(StoreFailure) {
            try StoreFailure.explaining(connector.place) {
                let session = try open()
                session.timeoutMilliseconds = PostgresReports.saveMilliseconds
                defer { session.timeoutMilliseconds = PostgresReports.timeoutMilliseconds }
                try session.transaction(.writing) { try ReportTables.save(batch, session) }
            }
            run = batch.run.id
            if isWhole { mayHaveLost = false }
            if batch.run.stoppedAt != nil { session?.close() }
            return nil
        } catch {
            return error.description
        }
    }

    /// What fails here is tried again in a second, and told by those who save.
    public func beat(at now: Milliseconds) {
        guard let run else { return }
        do throws(SessionError) {
            try open().run(
                "UPDATE report_runs SET alive_until = $2 WHERE id = $1", .number(run),
                .number(now))
        } catch {
            session?.close()
        }
    }
}

extension DatabaseCommands {
    /// What the reports of some days are made of.
    public func reports(_ days: ClosedRange<Int>) throws(StoreFailure) -> ReportContent? {
        try asking { session in
            session.timeoutMilliseconds = DatabaseCommands.countMilliseconds
            return try session.transaction(.reading) { try ReportTables.read(days, session) }
        }
    }
}
