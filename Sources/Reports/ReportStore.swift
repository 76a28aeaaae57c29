// Where the figures of the reports are kept: what every store must do about them.

import Tokens

/// What a server hands over several times a minute.
public struct ReportBatch: Sendable {
    public var run: ServerRun
    /// Those that may have changed since the last time.
    public var figures: [DayFigures]
    public var outages: [Outage]

    public init(run: ServerRun, figures: [DayFigures], outages: [Outage]) {
        (self.run, self.figures, self.outages) = (run, figures, outages)
    }
}

/// The server's side. One thread; may block.
public protocol ReportStore: AnyObject {
    /// Writes all of it down, or nothing. The same batch may come again: figures, outages and the run replace
    /// those of the same key. What is older than `RetentionRule` says is removed.
    ///
    /// - Returns: nil once it is kept; else why not, in words.
    func save(_ batch: ReportBatch) -> String?

    /// Something that was kept may be gone, such as by a fail-over: what can be, is written anew.
    var mayHaveLost: Bool { get }

    /// The server runs at this moment. Cheap: called about once a second.
    func beat(at now: Milliseconds)
}

extension ReportStore {
    public var mayHaveLost: Bool { false }
}

/// How long figures are kept.
public enum RetentionRule {
    /// Thirteen months, whichever they are.
    public static let days = 397

    /// The first day that is kept.
    public static func firstDay(at now: Milliseconds) -> Int {
        CalendarDay.day(of: now) - days
    }
}

/// What a store has of some days.
public struct ReportContent: Sendable {
    /// Of each run alone, in any order.
    public var figures: [DayFigures] = []
    /// All runs, and what was out of order in them.
    public var runs: [ServerRun] = []
    public var outages: [Outage] = []
    /// Runs that go on, as far as is known.
    public var running: Set<Int64> = []
    /// Nothing is known of the time after it: it is a copy, which no server has used. nil: it is none.
    public var endsAt: Milliseconds?

    public init() {}
}
