// The figures of reports in a database: of several servers, each in rows of its own.

import Reports
import Testing
import Tokens

@testable import PostgresStore

@Suite(.enabled(if: RealDatabase.url != nil)) struct ReportTests {
    private let day = 20_000
    private var noon: Milliseconds { CalendarDay.start(of: day) + 43_200_000 }

    private func batch(_ id: Int64, at start: Milliseconds, requests: Int) -> ReportBatch {
        var durations = DurationCounts()
        durations.add(1500, times: requests)
        let key = DayFigures.Key(
            day: CalendarDay.day(of: start), institution: "A", endpoint: .tokens)
        return ReportBatch(
            run: ServerRun(id: id, name: "s\(id)", startedAt: start, aliveUntil: start),
            figures: [
                DayFigures(
                    key, requests: requests, failed: 0, microseconds: 9,
                    durations: durations.encoded)
            ],
            outages: [
                Outage(
                    run: id, endpoint: id == 1 ? nil : .codes, startedAt: start,
                    endedAt: id == 1 ? nil : start + 1, failed: requests, cause: "why\0")
            ])
    }

    @Test func serversWriteRowsOfTheirOwn() throws {
        let rig = try RegistryRig()
        let (first, second) = (PostgresReports(rig.settings), PostgresReports(rig.settings))
        #expect(first.save(batch(1, at: noon, requests: 3)) == nil)
        #expect(first.save(batch(1, at: noon, requests: 5)) == nil)
        #expect(second.save(batch(2, at: noon, requests: 7)) == nil)
        let content = try #require(
            try DatabaseCommands(rig.settings).reports(day...day))
        #expect(content.figures.map(\.requests).sorted() == [5, 7])
        #expect(content.runs.map(\.name).sorted() == ["s1", "s2"])
        #expect(content.outages.map(\.failed).sorted() == [5, 7])
        #expect(content.outages.map(\.endpoint).contains(nil))
        #expect(content.running.isEmpty)
        #expect(try DatabaseCommands(rig.settings).reports(0...day - 1)?.figures.isEmpty == true)
    }

    @Test func aServerThatGivesSignsRuns() throws {
        let rig = try RegistryRig()
        let reports = PostgresReports(rig.settings)
        let now =
            try rig.session().run("SELECT \(Nodes.now)").first?.number(0) ?? 0
        #expect(reports.save(batch(1, at: now - 60_000, requests: 1)) == nil)
        let commands = DatabaseCommands(rig.settings)
        #expect(try commands.reports(0...99_999)?.running.isEmpty == true)
        reports.beat(at: now)
        #expect(try commands.reports(0...99_999)?.running == [1])
        var last = batch(1, at: now - 60_000, requests: 1)
        last.run.stoppedAt = now
        #expect(reports.save(last) == nil)
        #expect(try commands.reports(0...99_999)?.running.isEmpty == true)
    }

    @Test func whatIsOlderThanThirteenMonthsGoes() throws {
        let rig = try RegistryRig()
        let reports = PostgresReports(rig.settings)
        for days in [RetentionRule.days + 1, RetentionRule.days, 0] {
            let start = noon - Milliseconds(days) * CalendarDay.milliseconds
            #expect(reports.save(batch(Int64(days + 2), at: start, requests: 1)) == nil)
        }
        let content = try #require(try DatabaseCommands(rig.settings).reports(0...99_999))
        #expect(content.figures.map(\.key.day).sorted() == [day - RetentionRule.days, day])
    }

    /// A connection that was lost may have led to a host that has lost what it was told.
    @Test func whatMayBeLostIsToldOnce() throws {
        let rig = try RegistryRig()
        let reports = PostgresReports(rig.settings)
        #expect(reports.save(batch(1, at: noon, requests: 1)) == nil && !reports.mayHaveLost)
        reports.session?.close()
        reports.beat(at: noon)
        #expect(reports.mayHaveLost)
        #expect(reports.save(batch(1, at: noon, requests: 1)) == nil && !reports.mayHaveLost)
    }

    @Test func whoMayUseTokensMayUseFigures() throws {
        let rig = try RegistryRig(migrates: false)
        let session = try rig.session()
        try session.script(Migrations.all[0] + Migrations.all[1] + Migrations.all[2])
        let role = "obie_reports_test"
        try session.script("DROP ROLE IF EXISTS \(role); CREATE ROLE \(role)")
        defer { try? session.script("DROP OWNED BY \(role); DROP ROLE \(role)") }
        try session.script("GRANT SELECT, INSERT, UPDATE, DELETE ON tokens TO \(role)")
        try session.script(Migrations.all[3])
        for name in ReportTables.names {
            let row = try session.run("SELECT has_table_privilege('\(role)', '\(name)', 'DELETE')")
            #expect(row.first?.truth(0) == true, "\(name)")
        }
    }
}
