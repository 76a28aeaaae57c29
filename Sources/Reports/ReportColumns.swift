// The columns of both reports. Numbers are whole or have a fixed number of places.

import Tokens

extension KPIReport {
    public static let columns = [
        "day", "institution", "endpoint", "requests", "availability_percent",
        "down_planned_seconds", "down_unplanned_seconds", "time_to_last_byte_mean_ms",
        "time_to_last_byte_p50_ms", "time_to_last_byte_p95_ms", "time_to_last_byte_p99_ms",
        "errors_5xx", "error_rate_percent",
    ]

    /// Rendered whole.
    public func rendered(_ format: ReportFormat) -> [UInt8] {
        var text = ReportText(format, KPIReport.columns)
        // The same on all lines of a day.
        var dayText = (day: -1, text: "")
        lines { line in
            if line.day != dayText.day { dayText = (line.day, CalendarDay.text(line.day)) }
            text.append(KPIReport.cells(line, dayText.text))
        }
        return text.end()
    }

    static func cells(_ line: Line, _ day: String) -> [ReportText.Cell] {
        let counts = line.counts
        let isCounted = line.times != nil || counts.requests > 0
        let milliseconds: [ReportText.Cell] = [500, 950, 990].map { perMille in
            counts.durations.quantile(perMille: perMille)
                .map { .number(Fixed.text($0, places: 3)) } ?? .none
        }
        let mean: ReportText.Cell =
            counts.requests == 0
            ? .none
            : .number(
                Fixed.text(Fixed.quotient(counts.microseconds, counts.requests), places: 3))
        let rate: ReportText.Cell =
            counts.requests == 0
            ? .none
            : .number(
                Fixed.text(Fixed.quotient(counts.failed * 1_000_000, counts.requests), places: 4))
        return [
            .text(day), .text(line.institution),
            .text(line.endpoint?.path ?? (isCounted ? "no requests" : "not counted")),
            isCounted ? .number("\(counts.requests)") : .none,
            line.times.map { .number($0.availability) } ?? .none,
            line.times.map { .number("\(Fixed.quotient(Int($0.planned), 1000))") } ?? .none,
            line.times.map { .number("\(Fixed.quotient(Int($0.unplanned), 1000))") } ?? .none,
            mean,
        ] + milliseconds + [isCounted ? .number("\(counts.failed)") : .none, rate]
    }
}

extension KPIReport.DayTimes {
    /// In percent, rounded down: never better than it was.
    var availability: String {
        let up = Int(observed - planned - unplanned)
        return Fixed.text(up * 100_000 / Int(observed), places: 3)
    }
}

extension IncidentReport {
    public static let columns = [
        "start", "end", "seconds", "planned", "all_servers", "server", "endpoints",
        "requests_failed", "cause",
    ]

    /// - Parameter time: a moment as text.
    public func rendered(_ format: ReportFormat, _ time: (Milliseconds) -> String) -> [UInt8] {
        var text = ReportText(format, IncidentReport.columns)
        for incident in incidents {
            let range = incident.range
            let length = Int(range.upperBound - range.lowerBound)
            let isAll = incident.endpoints.count == ReportedEndpoint.allCases.count
            text.append([
                .text(time(range.lowerBound)),
                incident.isOpen ? .none : .text(time(range.upperBound)),
                .number("\(Fixed.quotient(length, 1000))"), .truth(incident.isPlanned),
                .truth(incident.isWholeService),
                incident.server.isEmpty ? .none : .text(incident.server),
                .text(isAll ? "all" : incident.endpoints.map(\.path).joined(separator: " ")),
                incident.failed.map { .number("\($0)") } ?? .none, .text(incident.cause),
            ])
        }
        return text.end()
    }
}

/// Numbers with a fixed number of places behind the point.
enum Fixed {
    /// Rounded to the nearest.
    static func quotient(_ value: Int, _ divisor: Int) -> Int {
        (value + divisor / 2) / divisor
    }

    /// - Parameters:
    ///   - value: not negative, in units of the last place.
    ///   - places: at least one.
    static func text(_ value: Int, places: Int) -> String {
        var unit = 1
        for _ in 0..<places { unit *= 10 }
        return "\(value / unit).\(CalendarDay.padded(value % unit, places))"
    }
}
