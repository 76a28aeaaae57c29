// Each outage by itself, as a notification of a major incident asks for it: Regulation (EU) 2022/2554 (DORA),
// article 19. What falls together in time on one server is one incident.

import Tokens

public struct IncidentReport: Sendable {
    public struct Incident: Equatable, Sendable {
        /// In milliseconds since 1970.
        public let range: Range<Milliseconds>
        /// It goes on.
        public let isOpen: Bool
        /// Empty: there is one only.
        public let server: String
        public let isPlanned: Bool
        /// No server answered at one of the endpoints, at least for a part of the time.
        public let isWholeService: Bool
        public let endpoints: [ReportedEndpoint]
        /// nil: nobody was there to count them.
        public let failed: Int?
        public let cause: String
    }

    /// By start.
    public let incidents: [Incident]
    /// No incident means no outage: see `Timeline.covers`.
    public let isCounted: Bool
    /// See `Timeline.counted`.
    public let counted: (from: Milliseconds?, until: Milliseconds?)

    public init(_ content: ReportContent, days: ClosedRange<Int>, now: Milliseconds) {
        let timeline = Timeline(content, now: now)
        let frame =
            CalendarDay.start(of: days.lowerBound)..<CalendarDay.start(of: days.upperBound + 1)
        isCounted = timeline.covers(days)
        counted = timeline.counted(days)
        let names = Dictionary(
            content.runs.map { ($0.id, $0.name) }, uniquingKeysWith: { $1 })
        var found = timeline.gaps.map { IncidentReport.incident($0) }
        for (run, outages) in Dictionary(grouping: content.outages, by: \.run) {
            found += IncidentReport.groups(outages, timeline).map { group in
                IncidentReport.incident(group, names[run] ?? "", timeline)
            }
        }
        incidents = found.filter { $0.range.overlaps(frame) }
            .sorted { $0.range.lowerBound < $1.range.lowerBound }
    }

    private static func incident(_ gap: Timeline.Gap) -> Incident {
        Incident(
            range: gap.range, isOpen: gap.isOpen, server: gap.run.name, isPlanned: gap.isPlanned,
            isWholeService: true, endpoints: ReportedEndpoint.allCases, failed: nil,
            cause: gap.isPlanned
                ? "stopped by its operator (SIGTERM or SIGINT)"
                : "ended without a clean stop: killed, crashed, the machine failed, or the store took nothing any more"
        )
    }

    /// Outages of one server that overlap.
    private static func groups(_ outages: [Outage], _ timeline: Timeline) -> [[Outage]] {
        var groups: [(end: Milliseconds, outages: [Outage])] = []
        for outage in outages.sorted(by: { $0.startedAt < $1.startedAt }) {
            let end = timeline.range(of: outage).upperBound
            if let last = groups.last, outage.startedAt <= last.end {
                groups[groups.count - 1].end = max(last.end, end)
                groups[groups.count - 1].outages.append(outage)
            } else {
                groups.append((end, [outage]))
            }
        }
        return groups.map(\.outages)
    }

    /// A process that stood still has counted nobody.
    private static func failed(_ outages: [Outage], isOfAll: Bool) -> Int? {
        let counted = outages.reduce(0) { $0 + $1.failed }
        return isOfAll && counted == 0 ? nil : counted
    }

    private static func incident(
        _ outages: [Outage], _ server: String, _ timeline: Timeline
    ) -> Incident {
        let ranges = outages.map { timeline.range(of: $0) }
        let start = ranges.map(\.lowerBound).min() ?? 0
        let end = ranges.map(\.upperBound).max() ?? start
        let isOfAll = outages.contains { $0.endpoint == nil }
        let endpoints = ReportedEndpoint.allCases.filter { endpoint in
            isOfAll || outages.contains { $0.endpoint == endpoint }
        }
        let causes = outages.map(\.cause).filter { $0 != "unknown" }
        return Incident(
            range: start..<end, isOpen: outages.contains { timeline.isOpen($0) }, server: server,
            isPlanned: false,
            isWholeService: endpoints.contains {
                timeline.down($0).unplanned.overlaps(start..<max(end, start + 1))
            },
            endpoints: endpoints, failed: failed(outages, isOfAll: isOfAll),
            cause: causes.first ?? "unknown")
    }
}
