// The tables of the reports: how often requests came and how long they took, by day; and when servers ran.

import Reports
import Tokens

/// Each server writes rows of its own, which reports add up: so none waits for another.
enum ReportTables {
    static let names = ["report_runs", "report_days", "report_outages"]

    /// Version 4. Never changed once released; later versions add. Whoever may use the table of tokens may use
    /// these: an upgrade need not name the servers' role again.
    static let sql = """
        CREATE TABLE report_runs (
            id bigint PRIMARY KEY,
            name bytea NOT NULL,
            started_at bigint NOT NULL,
            alive_until bigint NOT NULL,
            stopped_at bigint
        ) WITH (fillfactor = 50);
        CREATE TABLE report_days (
            day bigint NOT NULL,
            institution bytea NOT NULL,
            endpoint bigint NOT NULL,
            run bigint NOT NULL,
            requests bigint NOT NULL,
            failed bigint NOT NULL,
            microseconds bigint NOT NULL,
            durations bytea NOT NULL,
            PRIMARY KEY (day, institution, endpoint, run)
        ) WITH (fillfactor = 50);
        CREATE TABLE report_outages (
            run bigint NOT NULL,
            started_at bigint NOT NULL,
            endpoint bigint NOT NULL,
            ended_at bigint,
            failed bigint NOT NULL,
            cause bytea NOT NULL,
            PRIMARY KEY (run, started_at, endpoint)
        );
        DO $$ DECLARE one record; BEGIN
            FOR one IN SELECT grantee, privilege_type FROM information_schema.role_table_grants
                WHERE table_schema = current_schema() AND table_name = 'tokens'
                    AND grantee NOT IN (current_user, 'PUBLIC')
                    AND privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
            LOOP
                EXECUTE format('GRANT %s ON report_runs, report_days, report_outages TO %I',
                    one.privilege_type, one.grantee);
            END LOOP;
        END $$;
        """

    /// Stands for all endpoints.
    private static let allEndpoints = -1

    static func save(_ batch: ReportBatch, _ session: BlockingSession) throws(SessionError) {
        let run = batch.run
        try session.run(
            """
            INSERT INTO report_runs VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (id) DO UPDATE
                SET alive_until = excluded.alive_until, stopped_at = excluded.stopped_at
            """, .number(run.id), .text(run.name), .number(run.startedAt), .number(run.aliveUntil),
            .number(run.stoppedAt))
        try save(batch.figures, of: run.id, session)
        try save(batch.outages, session)
        let firstDay = RetentionRule.firstDay(at: run.aliveUntil)
        let moment = CalendarDay.start(of: firstDay)
        try session.run("DELETE FROM report_days WHERE day < $1", .number(Int64(firstDay)))
        try session.run("DELETE FROM report_outages WHERE ended_at < $1", .number(moment))
        try session.run("DELETE FROM report_runs WHERE alive_until < $1", .number(moment))
    }

    private static func save(
        _ figures: [DayFigures], of run: Int64, _ session: BlockingSession
    ) throws(SessionError) {
        guard !figures.isEmpty else { return }
        try session.run(
            """
            INSERT INTO report_days
            SELECT day, institution, endpoint, $1, requests, failed, microseconds, durations
            FROM unnest($2::bigint[], $3::bytea[], $4::bigint[], $5::bigint[], $6::bigint[],
                $7::bigint[], $8::bytea[])
                AS a(day, institution, endpoint, requests, failed, microseconds, durations)
            ON CONFLICT (day, institution, endpoint, run) DO UPDATE
                SET requests = excluded.requests, failed = excluded.failed,
                    microseconds = excluded.microseconds, durations = excluded.durations
            """, .number(run), .numbers(figures.map { Int64($0.key.day) }),
            .manyBytes(figures.map { Array($0.key.institution.utf8) }),
            .numbers(figures.map { Int64($0.key.endpoint.rawValue) }),
            .numbers(figures.map { Int64($0.requests) }),
            .numbers(figures.map { Int64($0.failed) }),
            .numbers(figures.map { Int64($0.microseconds) }), .manyBytes(figures.map(\.durations)))
    }

    private static func save(
        _ outages: [Outage], _ session: BlockingSession
    ) throws(SessionError) {
        guard !outages.isEmpty else { return }
        try session.run(
            """
            INSERT INTO report_outages
            SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[],
                $5::bigint[], $6::bytea[])
            ON CONFLICT (run, started_at, endpoint) DO UPDATE
                SET ended_at = excluded.ended_at, failed = excluded.failed, cause = excluded.cause
            """, .numbers(outages.map(\.run)), .numbers(outages.map(\.startedAt)),
            .numbers(outages.map { Int64($0.endpoint?.rawValue ?? allEndpoints) }),
            .numbers(outages.map(\.endedAt)), .numbers(outages.map { Int64($0.failed) }),
            .manyBytes(outages.map { Array($0.cause.utf8) }))
    }

    /// Figures of some days, and all runs and outages.
    static func read(
        _ days: ClosedRange<Int>, _ session: BlockingSession
    ) throws(SessionError) -> ReportContent {
        var content = ReportContent()
        let rows = try session.run(
            """
            SELECT day, institution, endpoint, requests, failed, microseconds, durations
            FROM report_days WHERE day BETWEEN $1 AND $2 ORDER BY day, institution, endpoint
            """, .number(Int64(days.lowerBound)), .number(Int64(days.upperBound)))
        content.figures = rows.compactMap { figures($0) }
        let runs = try session.run(
            "SELECT id, name, started_at, alive_until, stopped_at, "
                + "alive_until > \(Nodes.now) - \(Nodes.goneAfterMilliseconds) FROM report_runs")
        for row in runs {
            let run = ServerRun(
                id: row.number(0) ?? 0, name: row.text(1) ?? "", startedAt: row.number(2) ?? 0,
                aliveUntil: row.number(3) ?? 0, stoppedAt: row.number(4))
            content.runs.append(run)
            if run.stoppedAt == nil, row.truth(5) { content.running.insert(run.id) }
        }
        content.outages = try session.run(
            "SELECT run, started_at, endpoint, ended_at, failed, cause FROM report_outages"
        ).map { row in
            Outage(
                run: row.number(0) ?? 0,
                endpoint: ReportedEndpoint(rawValue: Int(row.number(2) ?? -1)),
                startedAt: row.number(1) ?? 0, endedAt: row.number(3),
                failed: Int(row.number(4) ?? 0), cause: row.text(5) ?? "")
        }
        return content
    }

    /// nil: of a version to come.
    private static func figures(_ row: SQLRow) -> DayFigures? {
        guard let endpoint = ReportedEndpoint(rawValue: Int(row.number(2) ?? -1)) else {
            return nil
        }
        return DayFigures(
            DayFigures.Key(
                day: Int(row.number(0) ?? 0), institution: row.text(1) ?? "", endpoint: endpoint),
            requests: Int(row.number(3) ?? 0), failed: Int(row.number(4) ?? 0),
            microseconds: Int(row.number(5) ?? 0), durations: row.bytes(6) ?? [])
    }
}
