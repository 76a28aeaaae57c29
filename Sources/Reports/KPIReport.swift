// The figures that a bank hands to its authority: RTS (EU) 2018/389, article 32(4), with the indicators of
// guideline 2 of EBA/GL/2018/07. One line for each day, institution and endpoint that was asked.

import Tokens

/// Sums and lines of a stretch of days.
public struct KPIReport: Sendable {
    public struct Line: Equatable, Sendable {
        public let day: Int
        /// "-": of requests that named no institution, or had not proven to be its own.
        public let institution: String
        /// nil: nobody has asked at any.
        public let endpoint: ReportedEndpoint?
        public let counts: RequestCounts
        /// nil: no server had begun.
        public let times: DayTimes?
    }

    /// How much of a day the service was there, in milliseconds.
    public struct DayTimes: Equatable, Sendable {
        /// From the first start of a server on, up to now.
        public let observed: Milliseconds
        public let planned: Milliseconds
        public let unplanned: Milliseconds
    }

    private let timeline: Timeline
    /// By key.
    private let figures: [DayFigures]
    private let days: ClosedRange<Int>
    private let institutions: [String]

    /// - Parameters:
    ///   - institutions: have a line for each day, beside those that are found.
    ///   - only: this one alone; nil: all.
    public init(
        _ content: ReportContent, days: ClosedRange<Int>, institutions: [String],
        only: String? = nil, now: Milliseconds
    ) {
        timeline = Timeline(content, now: now)
        self.days = days
        figures = content.figures.filter { row in
            days.contains(row.key.day) && only.map { $0 == row.key.institution } ?? true
        }.sorted { $0.key < $1.key }
        let names = Set(institutions).union(figures.map(\.key.institution))
        self.institutions = only.map { [$0] } ?? names.sorted()
    }

    /// No requests means that nobody has asked: see `Timeline.covers`.
    public var isCounted: Bool { timeline.covers(days) }
    /// See `Timeline.counted`.
    public var counted: (from: Milliseconds?, until: Milliseconds?) { timeline.counted(days) }

    /// In the order of days, institutions and endpoints.
    public func lines(_ take: (Line) -> Void) {
        let downs = ReportedEndpoint.allCases.map { timeline.down($0) }
        var place = 0
        for day in days {
            let ofDay = downs.map { times(of: day, $0.planned, $0.unplanned) }
            for institution in institutions {
                let name = institution.isEmpty ? "-" : institution
                let first = place
                for endpoint in ReportedEndpoint.allCases {
                    let key = DayFigures.Key(
                        day: day, institution: institution, endpoint: endpoint)
                    guard let counts = counts(of: key, &place) else { continue }
                    take(
                        Line(
                            day: day, institution: name, endpoint: endpoint, counts: counts,
                            times: ofDay[endpoint.rawValue]))
                }
                if place == first, !institution.isEmpty {
                    take(
                        Line(
                            day: day, institution: name, endpoint: nil, counts: RequestCounts(),
                            times: worst(ofDay)))
                }
            }
        }
    }

    /// Of all runs together; nil where there is nothing.
    ///
    /// - Parameter place: the first row that is not behind the key.
    private func counts(of key: DayFigures.Key, _ place: inout Int) -> RequestCounts? {
        guard place < figures.count, figures[place].key == key else { return nil }
        var counts = RequestCounts()
        while place < figures.count, figures[place].key == key {
            counts.add(figures[place])
            place += 1
        }
        return counts
    }

    /// nil: no server had begun, or the day has not.
    private func times(of day: Int, _ planned: Spans, _ unplanned: Spans) -> DayTimes? {
        guard let begin = timeline.begin else { return nil }
        let start = max(CalendarDay.start(of: day), begin)
        let end = min(CalendarDay.start(of: day + 1), timeline.now)
        guard start < end else { return nil }
        return DayTimes(
            observed: end - start, planned: planned.within(start..<end).milliseconds,
            unplanned: unplanned.within(start..<end).milliseconds)
    }

    /// Where nobody has asked: the worst of all endpoints.
    private func worst(_ times: [DayTimes?]) -> DayTimes? {
        times.compactMap { $0 }.max { $0.unplanned < $1.unplanned }
    }
}
