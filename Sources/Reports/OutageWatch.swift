// When is a server that runs down? The rule of RTS (EU) 2018/389, article 33(1), and of guideline 2.4 of
// EBA/GL/2018/07, applied to each endpoint. Knows no clock: it is told what happens, and when.

import Tokens

/// Follows requests that fail. A value.
public struct OutageWatch: Sendable {
    /// So many requests in a row that fail make an outage, whoever has sent them.
    public static let requestsInRow = 5
    /// Where nobody is answered for so long there is an outage, however few have asked, in milliseconds.
    public static let patienceMilliseconds: Milliseconds = 30_000
    /// A request without an answer for so long has failed, whatever it gets later, in microseconds.
    public static let requestPatienceMicroseconds = 30_000_000
    /// What the store has said so long before the first request failed may be the cause, in milliseconds.
    private static let causeMilliseconds: Milliseconds = 10_000
    /// A store that is lost may say for a moment that it is available. In milliseconds.
    private static let recoveryMilliseconds: Milliseconds = 2500
    /// Outages that wait to be taken; then they become one.
    private static let waitingMax = 1000

    /// Requests that failed one after the other, or time in which none could succeed.
    private struct Series {
        /// When the first of them came, or the store was lost.
        var startedAt: Milliseconds
        /// Nobody can have been answered since then; nil: the store has been available for a while since the last
        /// request failed, and only the row of requests counts.
        var downSince: Milliseconds?
        var last: Milliseconds
        var failed = 0
        var cause: String?
        /// It may have been written down with this start, and keeps it.
        var knownStart: Milliseconds?

        /// nil: it is no outage.
        var outageStart: Milliseconds? {
            if let knownStart { return knownStart }
            if failed >= OutageWatch.requestsInRow { return startedAt }
            guard let downSince, last - downSince >= OutageWatch.patienceMilliseconds else {
                return nil
            }
            return downSince
        }

        mutating func keepStart() { knownStart = outageStart }

        mutating func extend(from start: Milliseconds, to end: Milliseconds) {
            startedAt = min(startedAt, start)
            downSince = min(downSince ?? start, start)
            last = max(last, end)
        }
    }

    private let run: Int64
    private var series = [Series?](repeating: nil, count: ReportedEndpoint.allCases.count)
    /// Since then the store says that it is available, and no request has failed.
    private var availableSince: Milliseconds?
    /// When it was last looked at.
    private var wasAvailable = false
    /// It was away: what is open may end with it.
    private var wasLost = false
    private var told: (line: String, at: Milliseconds)?
    private var over: [Outage] = []
    /// When it was last told that the process moves.
    private var seenAt: Milliseconds?

    public init(run: Int64) { self.run = run }

    /// Requests of this endpoint fail, or would, so it matters when one succeeds.
    public func isFailing(_ endpoint: ReportedEndpoint) -> Bool {
        series[endpoint.rawValue] != nil
    }

    /// The store has said what is wrong, or that all is well again.
    public mutating func storeSaid(_ line: String, at now: Milliseconds) {
        // What ends an outage is no cause of it.
        if !line.hasSuffix("again") { told = (OutageWatch.cause(line), now) }
    }

    /// The first part of a sentence: what follows says what comes of it.
    private static func cause(_ line: String) -> String {
        let first = line.prefix { $0 != ";" }.map { $0.isNewline ? " " : $0 }
        return String(first.prefix(200))
    }

    /// - Parameters:
    ///   - began: when the request came.
    ///   - now: when it got a 5xx.
    public mutating func failed(
        _ endpoint: ReportedEndpoint, began: Milliseconds, at now: Milliseconds
    ) {
        // While this one waited others may have been answered.
        let start = max(began, steadilyAvailable?.until ?? began)
        availableSince = nil
        var current = series[endpoint.rawValue] ?? Series(startedAt: began, last: now)
        current.extend(from: start, to: now)
        current.startedAt = min(current.startedAt, began)
        current.failed += 1
        current.cause = current.cause ?? cause(since: current.startedAt)
        series[endpoint.rawValue] = current
    }

    /// One was done as it was asked. What is refused with 4xx is neither: to be told that a password is wrong
    /// takes no store.
    public mutating func succeeded(_ endpoint: ReportedEndpoint, at now: Milliseconds) {
        end(endpoint, at: now)
    }

    /// To be called about once a second.
    ///
    /// - Parameter storeSilence: how long ago the store has last answered, where nobody who asked now would be
    ///   answered; nil: they would. A database that is lost is missed only after a while.
    public mutating func look(storeSilence: Milliseconds?, at now: Milliseconds) {
        let isStoreAvailable = storeSilence == nil
        // Only where it is lost now: what has succeeded since is not taken back.
        let lostAt = wasAvailable ? now - (storeSilence ?? 0) : now
        wasAvailable = isStoreAvailable
        if let seenAt, now - seenAt >= OutageWatch.patienceMilliseconds {
            append(
                Outage(
                    run: run, endpoint: nil, startedAt: seenAt, endedAt: now, failed: 0,
                    cause: "the process stood still"))
        }
        seenAt = now
        if isStoreAvailable {
            availableSince = availableSince ?? now
        } else {
            (availableSince, wasLost) = (nil, true)
        }
        for endpoint in ReportedEndpoint.allCases {
            if let steadilyAvailable { recover(endpoint, at: steadilyAvailable.since) }
            // What is read may still be had: then the next that succeeds ends it.
            let begun = isStoreAvailable ? nil : Series(startedAt: lostAt, last: now)
            guard var current = series[endpoint.rawValue] ?? begun else { continue }
            if !isStoreAvailable { current.extend(from: lostAt, to: now) }
            current.cause = current.cause ?? cause(since: current.startedAt)
            current.keepStart()
            series[endpoint.rawValue] = current
        }
        if steadilyAvailable != nil { wasLost = false }
    }

    /// When the store was seen available, where that was for long enough to believe it.
    private var steadilyAvailable: (since: Milliseconds, until: Milliseconds)? {
        guard let availableSince, let seenAt,
            seenAt - availableSince >= OutageWatch.recoveryMilliseconds
        else { return nil }
        return (availableSince, seenAt)
    }

    /// Whoever asked now would be answered, so nobody has to ask for an outage of the store to be over. What was
    /// none leaves the requests that have failed in a row.
    private mutating func recover(_ endpoint: ReportedEndpoint, at since: Milliseconds) {
        guard let current = series[endpoint.rawValue] else { return }
        if current.outageStart != nil {
            if wasLost { end(endpoint, at: since) }
        } else if current.failed == 0 {
            series[endpoint.rawValue] = nil
        } else {
            series[endpoint.rawValue]?.downSince = nil
            series[endpoint.rawValue]?.cause = nil
        }
    }

    /// The server ends, and what is open ends with it, or has ended when the store was available again.
    public mutating func ended(at now: Milliseconds) {
        let end = availableSince ?? now
        for endpoint in ReportedEndpoint.allCases { self.end(endpoint, at: end) }
    }

    /// What is to be written down: those that are over and have not been taken, and those that last, which
    /// keep their starts from now on.
    public mutating func outagesToWrite() -> [Outage] {
        for endpoint in ReportedEndpoint.allCases {
            series[endpoint.rawValue]?.keepStart()
        }
        return outages
    }

    /// The same, only to look at.
    var outages: [Outage] {
        let open = ReportedEndpoint.allCases.compactMap { endpoint in
            series[endpoint.rawValue].flatMap { outage($0, endpoint, endedAt: nil) }
        }
        return over + open
    }

    /// They have been written down.
    public mutating func forget(_ written: [Outage]) {
        over.removeAll { written.contains($0) }
    }

    private mutating func end(_ endpoint: ReportedEndpoint, at now: Milliseconds) {
        guard let ended = series[endpoint.rawValue] else { return }
        series[endpoint.rawValue] = nil
        if let outage = outage(ended, endpoint, endedAt: now) { append(outage) }
    }

    private func cause(since start: Milliseconds) -> String? {
        guard let told, told.at >= start - OutageWatch.causeMilliseconds else { return nil }
        return told.line
    }

    private func outage(
        _ series: Series, _ endpoint: ReportedEndpoint, endedAt: Milliseconds?
    ) -> Outage? {
        series.outageStart.map { start in
            Outage(
                run: run, endpoint: endpoint, startedAt: start, endedAt: endedAt,
                failed: series.failed, cause: series.cause ?? "unknown")
        }
    }

    private mutating func append(_ outage: Outage) {
        guard over.count >= OutageWatch.waitingMax, var last = over.popLast() else {
            return over.append(outage)
        }
        // Rather too long than lost.
        last.endedAt = outage.endedAt
        last.failed += outage.failed
        over.append(last)
    }
}
