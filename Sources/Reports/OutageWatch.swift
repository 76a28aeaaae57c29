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
        var startedAt: Milliseconds
        var last: Milliseconds
        var failed = 0
        var cause: String?

        var isOutage: Bool {
            failed >= OutageWatch.requestsInRow
                || last - startedAt >= OutageWatch.patienceMilliseconds
        }
    }

    private let run: Int64
    private var series = [Series?](repeating: nil, count: ReportedEndpoint.allCases.count)
    /// Since then the store says that it is available, and no request has failed.
    private var availableSince: Milliseconds?
    /// When it was last looked at.
    private var wasAvailable = false
    /// It was away, or a request has failed: what is open may end with it.
    private var hasRecovered = false
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
        let index = endpoint.rawValue
        availableSince = nil
        var current = series[index] ?? Series(startedAt: began, last: now)
        current.startedAt = min(current.startedAt, began)
        current.failed += 1
        current.last = max(current.last, now)
        current.cause = current.cause ?? cause(since: current.startedAt)
        series[index] = current
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
        if isStoreAvailable, availableSince == nil { availableSince = now }
        if !isStoreAvailable { (availableSince, hasRecovered) = (nil, true) }
        for endpoint in ReportedEndpoint.allCases {
            // Whoever asked now would be answered, so nobody has to ask for it to be over.
            if let since = availableSince, hasRecovered,
                now - since >= OutageWatch.recoveryMilliseconds
            {
                end(endpoint, at: since)
            }
            // What is read may still be had: then the next that succeeds ends it.
            let begun = isStoreAvailable ? nil : Series(startedAt: lostAt, last: now)
            guard var current = series[endpoint.rawValue] ?? begun else { continue }
            if let begun {
                current.startedAt = min(current.startedAt, begun.startedAt)
                current.last = now
            }
            current.cause = current.cause ?? cause(since: current.startedAt)
            series[endpoint.rawValue] = current
        }
        if let since = availableSince, now - since >= OutageWatch.recoveryMilliseconds {
            hasRecovered = false
        }
    }

    /// The server ends: what is open ends with it.
    public mutating func ended(at now: Milliseconds) {
        for endpoint in ReportedEndpoint.allCases { end(endpoint, at: now) }
    }

    /// Those that are over and have not been taken, and those that last.
    public var outages: [Outage] {
        let open = ReportedEndpoint.allCases.compactMap { endpoint in
            series[endpoint.rawValue].flatMap {
                $0.isOutage ? outage($0, endpoint, endedAt: nil) : nil
            }
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
        if ended.isOutage { append(outage(ended, endpoint, endedAt: now)) }
    }

    private func cause(since start: Milliseconds) -> String? {
        guard let told, told.at >= start - OutageWatch.causeMilliseconds else { return nil }
        return told.line
    }

    private func outage(
        _ series: Series, _ endpoint: ReportedEndpoint, endedAt: Milliseconds?
    ) -> Outage {
        Outage(
            run: run, endpoint: endpoint, startedAt: series.startedAt, endedAt: endedAt,
            failed: series.failed, cause: series.cause ?? "unknown")
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
