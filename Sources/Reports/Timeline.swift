// When the service was down as a whole: while no server answered. From the lives of servers, and from
// what was out of order in them.

import Tokens

/// What a store's runs and outages say, up to a moment. A value.
public struct Timeline: Sendable {
    private let content: ReportContent
    /// Nothing is known of what comes after, in milliseconds since 1970.
    public let now: Milliseconds
    /// When the first server began; nil: none has.
    public let begin: Milliseconds?
    private let lives: [Int64: Range<Milliseconds>]
    /// By run.
    private let outages: [Int64: [Outage]]
    /// No server ran.
    public let gaps: [Gap]

    /// A stretch without any server.
    public struct Gap: Equatable, Sendable {
        public let range: Range<Milliseconds>
        /// It goes on.
        public let isOpen: Bool
        /// The last server had ended as it was told.
        public let isPlanned: Bool
        /// The run that ended.
        public let run: ServerRun
    }

    public init(_ content: ReportContent, now: Milliseconds) {
        self.content = content
        let now = content.endsAt.map { min($0, now) } ?? now
        self.now = now
        lives = Dictionary(
            content.runs.map { run in
                let end = content.running.contains(run.id) ? now : run.end
                // One that was killed in its first second may never have said that it is alive.
                return (run.id, run.startedAt..<max(run.startedAt + 1, min(end, now)))
            }, uniquingKeysWith: { $1 })
        outages = Dictionary(grouping: content.outages, by: \.run)
        begin = content.runs.map(\.startedAt).min().flatMap { $0 < now ? $0 : nil }
        gaps = Timeline.gaps(content.runs, lives, begin, now, isOpen: content.endsAt == nil)
    }

    /// Shorter than this is no gap: what a clock does not tell.
    private static let gapMilliseconds: Milliseconds = 1000

    private static func gaps(
        _ runs: [ServerRun], _ lives: [Int64: Range<Milliseconds>], _ begin: Milliseconds?,
        _ now: Milliseconds, isOpen: Bool
    ) -> [Gap] {
        guard let begin else { return [] }
        let byEnd = runs.sorted {
            (lives[$0.id]?.upperBound ?? 0) < (lives[$1.id]?.upperBound ?? 0)
        }
        var ended = 0
        return Spans(Array(lives.values)).gaps(in: begin..<now).list.compactMap { range in
            while ended + 1 < byEnd.count,
                let end = lives[byEnd[ended + 1].id]?.upperBound, end <= range.lowerBound
            { ended += 1 }
            guard range.upperBound - range.lowerBound >= gapMilliseconds else { return nil }
            return Gap(
                range: range, isOpen: isOpen && range.upperBound == now,
                isPlanned: byEnd[ended].stoppedAt != nil, run: byEnd[ended])
        }
    }

    /// Whether a server had run by the end of these days, and they have begun: so what is not there did not happen.
    public func covers(_ days: ClosedRange<Int>) -> Bool {
        guard let begin else { return false }
        return begin < CalendarDay.start(of: days.upperBound + 1)
            && CalendarDay.start(of: days.lowerBound) <= now
    }

    /// The moments of these days between which everything was counted; a bound is nil where that is all of them up
    /// to there. Where `covers` is true.
    public func counted(_ days: ClosedRange<Int>) -> (from: Milliseconds?, until: Milliseconds?) {
        let isWhole = content.endsAt == nil && days.upperBound <= CalendarDay.day(of: now)
        return (
            begin.flatMap { $0 > CalendarDay.start(of: days.lowerBound) ? $0 : nil },
            isWhole ? nil : now
        )
    }

    /// When an outage was, as far as its server lived.
    public func range(of outage: Outage) -> Range<Milliseconds> {
        let life = lives[outage.run] ?? now..<now
        let end = min(outage.endedAt ?? life.upperBound, now)
        return outage.startedAt..<max(outage.startedAt, end)
    }

    /// Whether an outage lasts.
    public func isOpen(_ outage: Outage) -> Bool {
        outage.endedAt == nil && content.running.contains(outage.run)
    }

    /// When nobody was answered at an endpoint.
    public func down(_ endpoint: ReportedEndpoint) -> (planned: Spans, unplanned: Spans) {
        guard let begin else { return (Spans(), Spans()) }
        var up: [Range<Milliseconds>] = []
        for (run, life) in lives {
            let out = Spans(
                (outages[run] ?? []).filter { $0.endpoint == nil || $0.endpoint == endpoint }
                    .map { range(of: $0) })
            up += out.gaps(in: life).list
        }
        let planned = Spans(gaps.filter(\.isPlanned).map(\.range))
        let short = Spans(Array(lives.values)).gaps(in: begin..<now)
            .subtracting(Spans(gaps.map(\.range)))
        let unplanned = Spans(up).union(short).gaps(in: begin..<now).subtracting(planned)
        return (planned, unplanned)
    }
}
