// The tables of the reports: how often requests came and how long they took, by day; and when servers ran.

import Reports
import Tokens

/// On a connection, inside of a transaction that somebody else begins.
struct ReportRows {
    private let database: Database

    /// Version 5. Never changed once released.
    static let tables = """
        CREATE TABLE report_runs (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            started_at INTEGER NOT NULL,
            alive_until INTEGER NOT NULL,
            stopped_at INTEGER
        ) STRICT;
        CREATE TABLE report_days (
            day INTEGER NOT NULL,
            institution TEXT NOT NULL,
            endpoint INTEGER NOT NULL,
            run INTEGER NOT NULL,
            requests INTEGER NOT NULL,
            failed INTEGER NOT NULL,
            microseconds INTEGER NOT NULL,
            durations BLOB NOT NULL,
            PRIMARY KEY (day, institution, endpoint, run)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE report_outages (
            run INTEGER NOT NULL,
            started_at INTEGER NOT NULL,
            endpoint INTEGER NOT NULL,
            ended_at INTEGER,
            failed INTEGER NOT NULL,
            cause TEXT NOT NULL,
            PRIMARY KEY (run, started_at, endpoint)
        ) STRICT, WITHOUT ROWID;
        """

    init(_ database: Database) { self.database = database }

    /// - Parameter seenAt: when the server before this run was last alive; nil: that is written already.
    func save(_ batch: ReportBatch, seenAt: Milliseconds?) throws(DatabaseError) {
        if let seenAt { try extendLastRun(before: batch.run, until: seenAt) }
        try save(batch.run)
        let insert = try database.prepare(
            "INSERT OR REPLACE INTO report_days VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
        for row in batch.figures {
            try insert.bind(1, Int64(row.key.day))
            try insert.bind(2, row.key.institution)
            try insert.bind(3, Int64(row.key.endpoint.rawValue))
            try insert.bind(4, batch.run.id)
            try insert.bind(5, Int64(row.requests))
            try insert.bind(6, Int64(row.failed))
            try insert.bind(7, Int64(row.microseconds))
            try insert.bind(8, row.durations)
            try insert.run()
        }
        for outage in batch.outages { try save(outage) }
        try removeOld(RetentionRule.firstDay(at: batch.run.aliveUntil))
    }

    private func save(_ run: ServerRun) throws(DatabaseError) {
        let insert = try database.prepare(
            "INSERT OR REPLACE INTO report_runs VALUES (?, ?, ?, ?, ?)")
        try insert.bind(1, run.id)
        try insert.bind(2, run.name)
        try insert.bind(3, run.startedAt)
        try insert.bind(4, run.aliveUntil)
        try insert.bind(5, run.stoppedAt)
        try insert.run()
    }

    private func save(_ outage: Outage) throws(DatabaseError) {
        let insert = try database.prepare(
            "INSERT OR REPLACE INTO report_outages VALUES (?, ?, ?, ?, ?, ?)")
        try insert.bind(1, outage.run)
        try insert.bind(2, outage.startedAt)
        try insert.bind(3, Int64(outage.endpoint?.rawValue ?? ReportRows.allEndpoints))
        try insert.bind(4, outage.endedAt)
        try insert.bind(5, Int64(outage.failed))
        try insert.bind(6, outage.cause)
        try insert.run()
    }

    /// Stands for all endpoints.
    private static let allEndpoints = -1

    /// A server that was killed has lived longer than it has written down here.
    private func extendLastRun(
        before run: ServerRun, until moment: Milliseconds
    ) throws(DatabaseError) {
        let update = try database.prepare(
            """
            UPDATE report_runs SET alive_until = max(alive_until, ?) WHERE stopped_at IS NULL
                AND id = (SELECT id FROM report_runs WHERE id <> ? ORDER BY started_at DESC LIMIT 1)
            """)
        try update.bind(1, min(moment, run.startedAt))
        try update.bind(2, run.id)
        try update.run()
    }

    private func removeOld(_ firstDay: Int) throws(DatabaseError) {
        for (sql, value) in [
            ("DELETE FROM report_days WHERE day < ?", Int64(firstDay)),
            ("DELETE FROM report_outages WHERE ended_at < ?", CalendarDay.start(of: firstDay)),
            ("DELETE FROM report_runs WHERE alive_until < ?", CalendarDay.start(of: firstDay)),
        ] {
            let delete = try database.prepare(sql)
            try delete.bind(1, value)
            try delete.run()
        }
    }

    // MARK: Reading

    /// Figures of some days, and all runs and outages.
    func read(_ days: ClosedRange<Int>) throws(DatabaseError) -> ReportContent {
        var content = ReportContent()
        try readFigures(days, &content)
        let runs = try database.prepare(
            "SELECT id, name, started_at, alive_until, stopped_at FROM report_runs")
        while try runs.step() {
            content.runs.append(
                ServerRun(
                    id: runs.integer(0), name: runs.text(1), startedAt: runs.integer(2),
                    aliveUntil: runs.integer(3), stoppedAt: runs.optionalInteger(4)))
        }
        let outages = try database.prepare(
            "SELECT run, started_at, endpoint, ended_at, failed, cause FROM report_outages")
        while try outages.step() {
            content.outages.append(
                Outage(
                    run: outages.integer(0),
                    endpoint: ReportedEndpoint(rawValue: Int(outages.integer(2))),
                    startedAt: outages.integer(1), endedAt: outages.optionalInteger(3),
                    failed: Int(outages.integer(4)), cause: outages.text(5)))
        }
        return content
    }

    private func readFigures(
        _ days: ClosedRange<Int>, _ content: inout ReportContent
    ) throws(DatabaseError) {
        let rows = try database.prepare(
            """
            SELECT day, institution, endpoint, requests, failed, microseconds, durations
            FROM report_days WHERE day BETWEEN ? AND ? ORDER BY day, institution, endpoint
            """)
        try rows.bind(1, Int64(days.lowerBound))
        try rows.bind(2, Int64(days.upperBound))
        while try rows.step() {
            // Of a version to come.
            guard let endpoint = ReportedEndpoint(rawValue: Int(rows.integer(2))) else { continue }
            let key = DayFigures.Key(
                day: Int(rows.integer(0)), institution: rows.text(1), endpoint: endpoint)
            content.figures.append(
                DayFigures(
                    key, requests: Int(rows.integer(3)), failed: Int(rows.integer(4)),
                    microseconds: Int(rows.integer(5)), durations: rows.blob(6)))
        }
    }
}

extension Transactions {
    func keep(_ batch: ReportBatch, seenAt: Milliseconds?) throws(DatabaseError) {
        try ReportRows(database).save(batch, seenAt: seenAt)
    }
}
