// What was counted of one endpoint, for one institution, on one day, by one run of a server.

/// Counts of a day. They only grow while the day lasts: a store replaces what it has of the same key.
public struct DayFigures: Equatable, Sendable {
    /// What they are of.
    public struct Key: Hashable, Comparable, Sendable {
        /// Since 1970, in UTC.
        public let day: Int
        /// Its reference; empty: of requests that named no institution, or had not proven to be its own.
        public let institution: String
        public let endpoint: ReportedEndpoint

        public init(day: Int, institution: String, endpoint: ReportedEndpoint) {
            (self.day, self.institution, self.endpoint) = (day, institution, endpoint)
        }

        public static func < (left: Key, right: Key) -> Bool {
            if left.day != right.day { return left.day < right.day }
            if left.institution != right.institution {
                return left.institution < right.institution
            }
            return left.endpoint.rawValue < right.endpoint.rawValue
        }
    }

    public let key: Key
    public let requests: Int
    /// Answered with 5xx.
    public let failed: Int
    /// Of all of them together.
    public let microseconds: Int
    /// `DurationCounts.encoded`: a year of them is too much as numbers.
    public let durations: [UInt8]

    public init(
        _ key: Key, requests: Int, failed: Int, microseconds: Int, durations: [UInt8]
    ) {
        self.key = key
        self.requests = requests
        self.failed = failed
        self.microseconds = microseconds
        self.durations = durations
    }
}

/// Requests, those that failed, and how long they took: of a day, or of several runs.
public struct RequestCounts: Equatable, Sendable {
    public var requests = 0
    /// Answered with 5xx.
    public var failed = 0
    /// Of all of them together.
    public var microseconds = 0
    public var durations = DurationCounts()

    public init() {}

    /// What cannot be read of the durations is left out.
    public mutating func add(_ figures: DayFigures) {
        requests += figures.requests
        failed += figures.failed
        microseconds += figures.microseconds
        _ = durations.add(encoded: figures.durations)
    }
}
