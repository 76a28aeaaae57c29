// The figures of reports in a store's file: kept once however often they come, and for thirteen months; and
// when a server was last alive.

import Foundation
import Reports
import Testing
import Tokens

@testable import SQLiteStore

@Suite struct ReportTests {
    static let backToVersion4 =
        "DROP TABLE report_runs; DROP TABLE report_days; DROP TABLE report_outages;"

    private let day = 20_786
    private var noon: Milliseconds { CalendarDay.start(of: day) + 43_200_000 }

    private func batch(
        _ id: Int64 = 1, startedAt: Milliseconds? = nil, requests: Int = 3, day: Int? = nil,
        outages: [Outage] = [], institution: String = "A"
    ) -> ReportBatch {
        var durations = DurationCounts()
        durations.add(1500, times: requests)
        let run = ServerRun(
            id: id, name: "", startedAt: startedAt ?? noon, aliveUntil: startedAt ?? noon)
        return ReportBatch(
            run: run,
            figures: [
                DayFigures(
                    DayFigures.Key(
                        day: day ?? self.day, institution: institution, endpoint: .codes),
                    requests: requests, failed: 1, microseconds: 4500, durations: durations.encoded)
            ], outages: outages)
    }

    private func read(_ rig: Rig) throws -> ReportContent {
        try #require(try ReportsOfStore.read(store: rig.path, days: 0...100_000))
    }

    @Test func whatComesTwiceCountsOnce() throws {
        let rig = try Rig()
        let reports = try #require(rig.file).reports
        let outage = Outage(
            run: 1, endpoint: nil, startedAt: noon, endedAt: nil, failed: 7, cause: "why")
        #expect(reports.save(batch(outages: [outage])) == nil)
        var ended = outage
        ended.endedAt = noon + 5
        #expect(reports.save(batch(requests: 9, outages: [ended])) == nil)
        let content = try read(rig)
        #expect(content.figures == batch(requests: 9).figures)
        #expect(content.outages == [ended])
        #expect(content.runs.map(\.id) == [1] && content.running == [1])
        rig.close()
        #expect(reports.save(batch()) != nil)
        #expect(try read(rig).running.isEmpty)
    }

    @Test func whatIsOlderThanThirteenMonthsGoes() throws {
        let rig = try Rig()
        let reports = try #require(rig.file).reports
        let first = day - RetentionRule.days
        for (number, old) in [first, first - 1].enumerated() {
            let batch = batch(
                Int64(number + 2), startedAt: CalendarDay.start(of: old) + 1000, day: old)
            #expect(reports.save(batch) == nil)
        }
        #expect(reports.save(batch()) == nil)
        let content = try read(rig)
        #expect(content.figures.map(\.key.day).sorted() == [first, day])
        #expect(content.runs.map(\.id).sorted() == [1, 2])
    }

    @Test func aKilledServerLivedUntilItsLastSign() throws {
        let rig = try Rig()
        var reports = try #require(rig.file).reports
        #expect(reports.save(batch()) == nil)
        reports.beat(at: noon + 7000)
        rig.close()
        #expect(try read(rig).runs.map(\.aliveUntil) == [noon + 7000])
        // A command that takes the lock is no sign of a server.
        try StoreLock(rig.path, for: .server).release()
        #expect(try read(rig).runs.map(\.aliveUntil) == [noon + 7000])
        try rig.open()
        reports = try #require(rig.file).reports
        #expect(reports.save(batch(2, startedAt: noon + 60_000)) == nil)
        let runs = try read(rig).runs.sorted { $0.id < $1.id }
        #expect(runs.map(\.end)[0] == noon + 7000 && runs.count == 2)
    }

    @Test func aServerThatStoppedIsNotMadeToLiveOn() throws {
        let rig = try Rig()
        let reports = try #require(rig.file).reports
        var last = batch()
        last.run.stoppedAt = noon + 1000
        #expect(reports.save(last) == nil)
        reports.beat(at: noon + 9000)
        rig.close()
        try rig.open()
        #expect(
            try #require(rig.file).reports.save(batch(2, startedAt: noon + 60_000)) == nil)
        #expect(try read(rig).runs.map(\.end).min() == noon + 1000)
    }

    @Test func aStoreOfVersion4HasNoFigures() throws {
        let rig = try Rig()
        rig.close()
        try Database(path: rig.path, .readWrite).execute(
            "\(ReportTests.backToVersion4) PRAGMA user_version = 4")
        #expect(try read(rig).runs.isEmpty)
        try rig.open()
        #expect(
            rig.file?.migration
                == "the store \(rig.path) has tables of version 5 now; it had 4, and programs that only "
                + "know those cannot open it any more")
        #expect(try #require(rig.file).reports.save(batch()) == nil)
        #expect(try read(rig).figures.count == 1)
        rig.close()
        try rig.open()
        #expect(rig.file?.migration == nil, "it is told once")
    }

    @Test func aNewStoreHasNothingToMigrate() throws {
        #expect(try #require(try Rig().file).migration == nil)
    }

    @Test func aStoreThatTakesThePlaceTakesTheFigures() throws {
        let rig = try Rig()
        #expect(try #require(rig.file).reports.save(batch()) == nil)
        rig.close()
        let new = "\(rig.path)-new"
        try Schema.makeNew(new)
        #expect(try ReportRows.carryOver(from: rig.path, to: new) == nil)
        let content = try #require(try ReportsOfStore.read(store: new, days: 0...100_000))
        #expect(content.figures == batch().figures && content.runs.map(\.id) == [1])
        // What cannot be read leaves what is there.
        #expect(try ReportRows.carryOver(from: "\(rig.path)-none", to: new) == nil)
        #expect(
            try #require(try ReportsOfStore.read(store: new, days: 0...100_000)).figures.count == 1)
    }

    /// Overwrites the page that the institution's figures stand on.
    private func damageFigures(_ path: String) throws {
        let file = try FileHandle(forUpdating: URL(filePath: path))
        var content = Data(try file.readToEnd() ?? Data())
        let mark = try #require(content.range(of: Data("PSDGB-FCA-DAMAGED".utf8)))
        let page = mark.lowerBound / 4096 * 4096
        content.replaceSubrange(page..<page + 4096, with: Data(repeating: 0xA5, count: 4096))
        try file.seek(toOffset: 0)
        try file.write(contentsOf: content)
        try file.close()
    }

    /// They cannot be counted again, so whoever begins anew has to know.
    @Test func figuresThatCannotBeReadAreNotLostSilently() throws {
        let rig = try Rig()
        let damaged = batch(institution: "PSDGB-FCA-DAMAGED")
        #expect(try #require(rig.file).reports.save(damaged) == nil)
        rig.close()
        try damageFigures(rig.path)
        let begun = try Restore(StoreSet(store: rig.path), suffix: "before").begin()
        #expect(begun.lossOfFigures == "database disk image is malformed")
        #expect(begun.moved.map(\.from).contains(rig.path))
        #expect(try read(rig).figures.isEmpty)
        // The empty one has some tables, and nothing in them.
        let again = try Restore(StoreSet(store: rig.path), suffix: "again").begin()
        #expect(again.lossOfFigures == nil)
    }
}
