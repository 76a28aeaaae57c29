// When the service was down as a whole, and what a day of it is worth.

import Testing

@testable import Reports

@Suite struct TimelineTests {
    private let day = 20_786
    private var midnight: Int64 { CalendarDay.start(of: day) }
    private let hour: Int64 = 3_600_000

    private func run(
        _ id: Int64, _ from: Int64, _ until: Int64, isStopped: Bool = true, name: String = ""
    ) -> ServerRun {
        ServerRun(
            id: id, name: name, startedAt: midnight + from, aliveUntil: midnight + until,
            stoppedAt: isStopped ? midnight + until : nil)
    }

    private func content(_ runs: [ServerRun], _ outages: [Outage] = []) -> ReportContent {
        var content = ReportContent()
        (content.runs, content.outages) = (runs, outages)
        return content
    }

    private func outage(
        _ run: Int64, _ endpoint: ReportedEndpoint?, _ from: Int64, _ until: Int64?
    ) -> Outage {
        Outage(
            run: run, endpoint: endpoint, startedAt: midnight + from,
            endedAt: until.map { midnight + $0 }, failed: 9, cause: "why")
    }

    private func times(
        _ content: ReportContent, now: Int64, of endpoint: ReportedEndpoint = .tokens
    ) -> KPIReport.DayTimes? {
        var content = content
        content.figures = ReportedEndpoint.allCases.map {
            DayFigures(
                DayFigures.Key(day: day, institution: "A", endpoint: $0), requests: 1, failed: 0,
                microseconds: 1, durations: [])
        }
        var found: KPIReport.DayTimes?
        KPIReport(content, days: day...day, institutions: [], now: midnight + now).lines {
            if $0.endpoint == endpoint { found = $0.times }
        }
        return found
    }

    @Test func aStopIsPlannedAndAKillIsNot() {
        let stopped = content([run(1, 0, 6 * hour), run(2, 8 * hour, 24 * hour)])
        #expect(
            times(stopped, now: 30 * hour)
                == KPIReport.DayTimes(observed: 24 * hour, planned: 2 * hour, unplanned: 0))
        let killed = content([
            run(1, 0, 6 * hour, isStopped: false), run(2, 8 * hour, 24 * hour),
        ])
        #expect(
            times(killed, now: 30 * hour)
                == KPIReport.DayTimes(observed: 24 * hour, planned: 0, unplanned: 2 * hour))
    }

    /// Without it the time after the kill would be planned.
    @Test func aServerThatIsKilledAtOnceHasRun() {
        let killed = content([
            run(1, 0, 6 * hour), run(2, 7 * hour, 7 * hour, isStopped: false),
            run(3, 9 * hour, 24 * hour),
        ])
        #expect(
            times(killed, now: 24 * hour)
                == KPIReport.DayTimes(
                    observed: 24 * hour, planned: hour, unplanned: 2 * hour - 1))
        let report = IncidentReport(killed, days: day...day, now: midnight + 24 * hour)
        #expect(report.incidents.map(\.isPlanned) == [true, false])
    }

    @Test func aDayIsCountedFromTheFirstStartUntilNow() {
        var begun = content([run(1, 6 * hour, 7 * hour, isStopped: false)])
        begun.running = [1]
        #expect(
            times(begun, now: 12 * hour)
                == KPIReport.DayTimes(observed: 6 * hour, planned: 0, unplanned: 0))
        begun.running = []
        #expect(times(begun, now: 12 * hour)?.unplanned == 5 * hour)
        #expect(times(content([]), now: 12 * hour) == nil)
    }

    @Test func sevenMinutesOfAServerAloneAreSevenMinutes() {
        let one = content([run(1, 0, 24 * hour)], [outage(1, .tokens, hour, hour + 420_000)])
        #expect(times(one, now: 24 * hour)?.unplanned == 420_000)
        #expect(times(one, now: 24 * hour, of: .introspection)?.unplanned == 0)
        let ofAll = content([run(1, 0, 24 * hour)], [outage(1, nil, hour, hour + 420_000)])
        #expect(times(ofAll, now: 24 * hour, of: .introspection)?.unplanned == 420_000)
    }

    @Test func severalServersAreDownWhileNoneAnswers() {
        let runs = [
            run(1, 0, 24 * hour, name: "a"), run(2, 0, 10 * hour, isStopped: false, name: "b"),
        ]
        let first = outage(1, .tokens, 4 * hour, 6 * hour)
        #expect(times(content(runs, [first]), now: 24 * hour)?.unplanned == 0)
        let second = outage(2, .tokens, 5 * hour, 7 * hour)
        #expect(times(content(runs, [first, second]), now: 24 * hour)?.unplanned == hour)
        // The other one has been killed by then.
        let late = outage(1, .tokens, 9 * hour, 11 * hour)
        #expect(times(content(runs, [late]), now: 24 * hour)?.unplanned == hour)
        let report = IncidentReport(
            content(runs, [first, late]), days: day...day, now: midnight + 24 * hour)
        #expect(report.incidents.map(\.isWholeService) == [false, true])
        #expect(report.incidents.map(\.server) == ["a", "a"])
    }

    @Test func noIncidentIsNoOutageOnlyWhereAServerHadRun() {
        let runs = [run(1, 20 * hour, 30 * hour)]
        for (days, isCounted) in [
            (day - 1...day - 1, false), (day...day, true), (day - 1...day + 1, true),
            (day + 2...day + 3, false),
        ] {
            let report = IncidentReport(content(runs), days: days, now: midnight + 30 * hour)
            #expect(report.isCounted == isCounted)
            #expect(report.incidents.isEmpty)
        }
        let now = midnight + 30 * hour
        for (days, isFromStart, isToEnd) in [
            (day...day, false, true), (day - 1...day, false, true), (day + 1...day + 1, true, true),
            (day...day + 2, false, false), (day + 1...day + 2, true, false),
        ] {
            let counted = IncidentReport(content(runs), days: days, now: now).counted
            #expect(counted.from == (isFromStart ? nil : midnight + 20 * hour))
            #expect(counted.until == (isToEnd ? nil : now))
        }
        #expect(!IncidentReport(content([]), days: day...day, now: midnight + hour).isCounted)
    }

    @Test func aCopyEndsWithItself() {
        var copy = content([run(1, 0, 2 * hour), run(2, 3 * hour, 4 * hour, isStopped: false)])
        copy.endsAt = midnight + 4 * hour
        let report = IncidentReport(copy, days: day...day, now: midnight + 9 * hour)
        #expect(report.incidents.map(\.isOpen) == [false])
        #expect(report.counted.until == copy.endsAt)
        #expect(times(copy, now: 9 * hour)?.observed == 4 * hour)
        // It was made in the first moment of a server.
        copy.endsAt = midnight + 3 * hour
        #expect(
            IncidentReport(copy, days: day...day, now: midnight + 9 * hour).incidents.map(\.isOpen)
                == [false])
    }

    @Test func whoStoodStillHasCountedNobody() {
        var still = outage(1, nil, 2 * hour, 3 * hour)
        still.failed = 0
        let report = IncidentReport(
            content([run(1, 0, 9 * hour)], [still]), days: day...day, now: midnight + 9 * hour)
        #expect(report.incidents.count == 1 && report.incidents[0].failed == nil)
    }

    @Test func whatFallsTogetherIsOneIncident() {
        let report = IncidentReport(
            content(
                [run(1, 0, 6 * hour, isStopped: false), run(2, 8 * hour, 9 * hour)],
                [
                    outage(1, .tokens, hour, hour + 60_000),
                    outage(1, .codes, hour + 1000, hour + 61_000), outage(1, .codes, 5 * hour, nil),
                ]), days: day...day, now: midnight + 10 * hour)
        #expect(report.incidents.map(\.failed) == [18, 9, nil, nil])
        #expect(report.incidents.map(\.isPlanned) == [false, false, false, true])
        #expect(report.incidents.map(\.isOpen) == [false, false, false, true])
        #expect(report.incidents[0].range == midnight + hour..<midnight + hour + 61_000)
        #expect(report.incidents[0].endpoints == [.tokens, .codes])
        // It ended with its server.
        #expect(report.incidents[1].range.upperBound == midnight + 6 * hour)
    }

    @Test func linesAreSummedOverRunsAndMissingDaysSaySo() {
        var counts = DurationCounts()
        counts.add(2000, times: 3)
        let key = DayFigures.Key(day: day, institution: "A,B", endpoint: .tokens)
        let row = DayFigures(
            key, requests: 3, failed: 1, microseconds: 6000, durations: counts.encoded)
        var content = content([run(1, 0, 24 * hour)])
        content.figures = [row, row]
        let report = KPIReport(
            content, days: day...day + 1, institutions: ["C"], now: midnight + 24 * hour)
        let lines = String(decoding: report.rendered(.csv), as: UTF8.self)
            .split(separator: "\r\n")
        let date = CalendarDay.text(day)
        #expect(
            lines[1]
                == "\(date),\"A,B\",/v1/obie/tokens,6,100.000,0,0,2.000,2.047,2.047,2.047,2,33.3333"
        )
        #expect(lines[2] == "\(date),C,no requests,0,100.000,0,0,,,,,0,")
        #expect(lines[3] == "\(CalendarDay.text(day + 1)),\"A,B\",not counted,,,,,,,,,,")
        #expect(lines.count == 5)
    }

    @Test(
        arguments: [
            ("1970-01-01", 0), ("2026-11-29", 20_786), ("2024-02-29", 19_782), ("2026-02-29", nil),
            ("2026-13-01", nil), ("2026-1-01", nil), ("20261129", nil), ("1969-12-31", nil),
            ("2026-11-31", nil), ("２026-11-2", nil),
        ] as [(String, Int?)])
    func daysAreReadStrictly(text: String, day: Int?) {
        #expect(CalendarDay.parse(text) == day)
        if let day { #expect(CalendarDay.text(day) == text) }
    }
}
