// What is counted of one institution at one endpoint, by one event loop.

import Metrics
import Reports

/// Counters that only grow. The loop's thread writes; any thread reads.
final class ReportCell: Sendable {
    /// Empty: of requests that named no institution, or had not proven to be its own.
    let institution: String
    let endpoint: ReportedEndpoint
    private let durations: InlineArray<240, Counter>
    private let microseconds = Counter()
    private let succeeded = Counter()
    private let refused = Counter()
    private let failed = Counter()

    init(_ institution: String, _ endpoint: ReportedEndpoint) {
        self.institution = institution
        self.endpoint = endpoint
        durations = InlineArray { _ in Counter() }
    }

    /// A request was answered. The loop's thread.
    func observe(status: Int, microseconds value: Int) {
        durations[DurationBuckets.bucket(of: value)].add()
        microseconds.add(value)
        if status < 400 {
            succeeded.add()
        } else if status < 500 {
            refused.add()
        } else {
            failed.add()
        }
    }

    /// What all answers so far were, by the hundreds of their statuses.
    var outcomes: [(name: String, count: Int)] {
        [("2xx", succeeded.value), ("4xx", refused.value), ("5xx", failed.value)]
    }

    /// What it has counted since the start.
    var totals: ReportTotals {
        var counts = [Int](repeating: 0, count: DurationBuckets.count)
        for index in durations.indices { counts[index] = durations[index].value }
        return ReportTotals(
            failed: failed.value, microseconds: microseconds.value, durations: counts)
    }
}

/// What cells had counted at one moment. A value.
struct ReportTotals {
    private var failed: Int
    private var microseconds: Int
    /// By bucket.
    private var durations: [Int]

    fileprivate init(failed: Int, microseconds: Int, durations: [Int]) {
        (self.failed, self.microseconds, self.durations) = (failed, microseconds, durations)
    }

    var requests: Int { durations.reduce(0, +) }

    static func + (left: ReportTotals, right: ReportTotals) -> ReportTotals {
        ReportTotals(
            failed: left.failed + right.failed,
            microseconds: left.microseconds + right.microseconds,
            durations: zip(left.durations, right.durations).map { $0 + $1 })
    }

    static func - (left: ReportTotals, right: ReportTotals) -> ReportTotals {
        ReportTotals(
            failed: left.failed - right.failed,
            microseconds: left.microseconds - right.microseconds,
            durations: zip(left.durations, right.durations).map { $0 - $1 })
    }

    func figures(_ key: DayFigures.Key) -> DayFigures {
        DayFigures(
            key, requests: requests, failed: failed, microseconds: microseconds,
            durations: DurationCounts(counts: durations).encoded)
    }
}
