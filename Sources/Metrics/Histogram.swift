// How often a value was how large.

/// What a histogram counts, and so where its buckets end.
public enum HistogramScale: UInt8, Sendable {
    /// Durations: the limits of OpenTelemetry's `http.server.request.duration`, and below them five
    /// more, for a server that answers in less than a millisecond.
    case microseconds
    /// Numbers of things: powers of two.
    case sizes

    /// How many limits there are; beyond the last is one bucket more.
    public static let limitCount = 19

    private static let durations: InlineArray<19, Int> = [
        100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 75_000, 100_000, 250_000,
        500_000, 750_000, 1_000_000, 2_500_000, 5_000_000, 7_500_000, 10_000_000,
    ]

    /// The largest value of the bucket.
    public func limit(_ bucket: Int) -> Int {
        switch self {
        case .microseconds: HistogramScale.durations[bucket]
        case .sizes: 1 << bucket
        }
    }
}

/// Counts of values by size. One thread observes; any thread reads.
public struct Histogram: ~Copyable, Sendable {
    fileprivate let scale: HistogramScale
    fileprivate let buckets: InlineArray<20, Counter>
    fileprivate let total = Counter()

    public init(_ scale: HistogramScale) {
        self.scale = scale
        buckets = InlineArray { _ in Counter() }
    }

    /// The one thread that observes.
    public func observe(_ value: Int) {
        var bucket = 0
        while bucket < HistogramScale.limitCount, value > scale.limit(bucket) { bucket += 1 }
        buckets[bucket].add()
        total.add(value)
    }

    /// Any thread.
    public var isEmpty: Bool {
        for index in buckets.indices where buckets[index].value != 0 { return false }
        return true
    }
}

/// A histogram that stands in lists.
public final class SharedHistogram: Sendable {
    public let histogram: Histogram
    public init(_ scale: HistogramScale) { histogram = Histogram(scale) }
}

/// What histograms of one scale had counted at one moment, added up. A value.
public struct HistogramReading: Equatable, Sendable {
    public let scale: HistogramScale
    /// Of each bucket alone, the last one for all beyond the limits.
    public private(set) var buckets = [Int](repeating: 0, count: HistogramScale.limitCount + 1)
    /// Of all values.
    public private(set) var total = 0

    public init(_ scale: HistogramScale) { self.scale = scale }

    /// Of one alone.
    public init(_ histogram: borrowing Histogram) {
        self.init(histogram.scale)
        add(histogram)
    }

    public var count: Int { buckets.reduce(0, +) }

    public mutating func add(_ histogram: borrowing Histogram) {
        precondition(histogram.scale == scale, "only like is added to like")
        for index in buckets.indices { buckets[index] += histogram.buckets[index].value }
        total += histogram.total.value
    }
}
