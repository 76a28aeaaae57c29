// Requests are counted for whom they are, whatever numbers institutions have.

import Metrics
import Reports
import Testing
import Tokens

@testable import Server

@Suite struct LoopReportsTests {
    private func record(_ route: Route, _ institution: UInt32) -> RequestRecord {
        var record = RequestRecord(.post)
        (record.route, record.institution) = (route, institution)
        return record
    }

    private func counts(_ collector: ReportCollector) -> [String: Int] {
        Dictionary(
            collector.totals.map { ($0.key.institution, $0.value.requests) }, uniquingKeysWith: +)
    }

    @Test func eachInstitutionHasItsOwnCounts() {
        let seed = UInt64.random(in: 1...UInt64.max)
        var chance = seed
        let collector = ReportCollector(run: 1) { 0 }
        let reports = LoopReports(collector) { "FI-\($0.number)" }
        var expected: [String: Int] = [:]
        for _ in 0..<20_000 {
            chance = chance &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            // Numbers near one another and far apart; 0 is nobody's.
            let number =
                UInt32(truncatingIfNeeded: chance >> 54) % 300
                * (chance >> 63 == 0 ? 1 : 14_316_557)
            reports.answered(record(.tokens, number), status: 201, microseconds: 5)
            expected[number == 0 ? "" : "FI-\(number)", default: 0] += 1
        }
        #expect(counts(collector).filter { $0.value > 0 } == expected, "seed \(seed)")
    }

    @Test func thoseBeyondTheBoundCountForNobody() {
        let collector = ReportCollector(run: 1) { 0 }
        let reports = LoopReports(collector) { $0.number == 7 ? nil : "FI-\($0.number)" }
        let count = UInt32(LoopReports.institutionsMax) + 5
        for number in 1...count {
            reports.answered(record(.codes, number), status: 400, microseconds: 5)
        }
        #expect(counts(collector)[""] == 5)
        #expect(counts(collector).count == LoopReports.institutionsMax + 1)
    }

    @Test func probesAndPagesAreNoRequests() {
        let collector = ReportCollector(run: 1) { 0 }
        let reports = LoopReports(collector) { _ in nil }
        for route in Route.allCases where !route.isPosted {
            reports.answered(record(route, 0), status: 200, microseconds: 5)
        }
        #expect(counts(collector)[""] == 0)
        for route in Route.allCases where route.isPosted {
            reports.answered(record(route, 0), status: 200, microseconds: 5)
        }
        #expect(counts(collector)[""] == 5)
    }

    @Test func failuresAreFollowedUntilOneSucceeds() {
        let collector = ReportCollector(run: 1) { 1_000_000 }
        let reports = LoopReports(collector) { "\($0.number)" }
        for number in 1...5 {
            reports.answered(record(.tokens, UInt32(number)), status: 503, microseconds: 2000)
            reports.answered(record(.tokens, 1), status: 401, microseconds: 5)
            reports.answered(record(.codes, 1), status: 201, microseconds: 5)
        }
        #expect(collector.outages.map(\.startedAt) == [999_998])
        #expect(collector.outages.map(\.endedAt) == [nil])
        reports.answered(record(.tokens, 9), status: 201, microseconds: 5)
        #expect(collector.outages.map(\.endedAt) == [1_000_000])
        // Half a minute is no answer.
        for _ in 0..<5 {
            reports.answered(record(.revocation, 9), status: 200, microseconds: 30_000_001)
        }
        #expect(collector.outages.map(\.endpoint) == [.tokens, .revocation])
    }

    @Test func seriesOfMetricsAreOfTheRegisteredThatHaveAsked() {
        let collector = ReportCollector(run: 1) { 0 }
        let reports = LoopReports(collector) { $0.number == 1 ? "FI" : nil }
        for (number, status) in [(1, 201), (1, 503), (2, 403)] {
            reports.answered(record(.tokens, UInt32(number)), status: status, microseconds: 5)
        }
        var text = MetricsText()
        collector.appendMetrics(to: &text)
        let lines = String(decoding: text.bytes, as: UTF8.self).split(separator: "\n").dropFirst(2)
        let name = "obie_tokens_institution_requests_total"
        let route = #"http_route="/v1/obie/tokens",status_class="#
        #expect(
            Array(lines) == [
                #"\#(name){institution="",\#(route)"2xx"} 0"#,
                #"\#(name){institution="",\#(route)"4xx"} 1"#,
                #"\#(name){institution="",\#(route)"5xx"} 0"#,
                #"\#(name){institution="FI",\#(route)"2xx"} 1"#,
                #"\#(name){institution="FI",\#(route)"4xx"} 0"#,
                #"\#(name){institution="FI",\#(route)"5xx"} 1"#,
            ])
    }
}
