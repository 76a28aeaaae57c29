// What all loops have counted for the reports, and whether the server answers. Knows no store.

import Metrics
import Reports
import Synchronization
import Tokens

/// One for all loops. Any thread.
public final class ReportCollector: Sendable {
    /// Drawn at each start.
    public let run: Int64
    private let now: @Sendable () -> Milliseconds
    private let cells = Mutex<[ReportCell]>([])
    private let watch: Mutex<OutageWatch>
    /// A bit for each endpoint at which the last request failed: so that those who succeed need no lock.
    private let failing = Atomic<Int>(0)

    public init(run: Int64, now: @escaping @Sendable () -> Milliseconds) {
        self.run = run
        self.now = now
        watch = Mutex(OutageWatch(run: run))
    }

    // MARK: The loops' side

    /// Makes the cells of an institution, by endpoint.
    func addCells(_ institution: String) -> [ReportCell] {
        let added = ReportedEndpoint.allCases.map { ReportCell(institution, $0) }
        cells.withLock { $0 += added }
        return added
    }

    /// Whether it matters that a request has succeeded.
    func isFailing(_ endpoint: ReportedEndpoint) -> Bool {
        failing.load(ordering: .relaxed) & (1 << endpoint.rawValue) != 0
    }

    /// - Parameter microseconds: how long the request was there.
    func failed(_ endpoint: ReportedEndpoint, microseconds: Int) {
        let now = now()
        change { $0.failed(endpoint, began: now - Milliseconds(microseconds / 1000), at: now) }
    }

    func succeeded(_ endpoint: ReportedEndpoint) {
        let now = now()
        change { $0.succeeded(endpoint, at: now) }
    }

    private func change(_ body: (inout OutageWatch) -> Void) {
        watch.withLock { watch in
            body(&watch)
            var bits = 0
            for endpoint in ReportedEndpoint.allCases where watch.isFailing(endpoint) {
                bits |= 1 << endpoint.rawValue
            }
            // Inside of the lock: a bit must not be older than what it stands for.
            failing.store(bits, ordering: .relaxed)
        }
    }

    // MARK: What else is seen

    /// A line of the store's about itself: it may be the cause of what follows.
    public func storeSaid(_ line: String) {
        let now = now()
        change { $0.storeSaid(line, at: now) }
    }

    /// To be called about once a second.
    func look(storeSilence: Milliseconds?, at now: Milliseconds) {
        change { $0.look(storeSilence: storeSilence, at: now) }
    }

    /// No loop turns any more.
    func ended(at now: Milliseconds) { change { $0.ended(at: now) } }

    /// What is to be written down: what it holds then does not begin earlier any more.
    var outages: [Outage] { watch.withLock { $0.outagesToWrite() } }

    func forget(_ written: [Outage]) { watch.withLock { $0.forget(written) } }

    // MARK: Reading

    /// Whose counts they are.
    struct Key: Hashable {
        let institution: String
        let endpoint: ReportedEndpoint
    }

    /// Since the start, of all loops.
    var totals: [Key: ReportTotals] {
        var totals: [Key: ReportTotals] = [:]
        for cell in cells.withLock({ $0 }) {
            let key = Key(institution: cell.institution, endpoint: cell.endpoint)
            let more = cell.totals
            totals[key] = totals[key].map { $0 + more } ?? more
        }
        return totals
    }

    /// Adds its family to the page of metrics. Waits for nobody.
    public func appendMetrics(to text: inout MetricsText) {
        var counts: [Key: [Int]] = [:]
        let cells = cells.withLock { $0 }
        for cell in cells {
            let key = Key(institution: cell.institution, endpoint: cell.endpoint)
            let more = cell.outcomes.map(\.count)
            counts[key] = zip(counts[key] ?? [0, 0, 0], more).map { $0 + $1 }
        }
        let names = cells.first?.outcomes.map(\.name) ?? []
        let sorted = counts.sorted {
            ($0.key.institution, $0.key.endpoint.rawValue)
                < ($1.key.institution, $1.key.endpoint.rawValue)
        }
        text.counter(
            "obie_tokens_institution_requests_total",
            "Requests by institution, route and class of status; without a name: of no institution.",
            // Each class where there is any, so that the first failure is a growth from 0.
            sorted.filter { $0.value.contains { $0 > 0 } }.flatMap { key, counts in
                zip(names, counts).map { name, count in
                    (
                        [
                            ("institution", key.institution), ("http_route", key.endpoint.path),
                            ("status_class", name),
                        ], count
                    )
                }
            })
    }
}
