// Counting, and Prometheus' text format.

import Testing

@testable import Metrics

@Suite struct MetricsTests {
    private static func lines(_ text: MetricsText) -> [String] {
        String(decoding: text.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// A value at a limit belongs to the bucket below it, as Prometheus' `le` says.
    @Test(arguments: [
        (0, 0), (100, 0), (101, 1), (250, 1), (251, 2), (9_999_999, 18), (10_000_000, 18),
        (10_000_001, 19), (Int.max, 19),
    ])
    func durationFallsIntoItsBucket(value: Int, bucket: Int) {
        let histogram = Histogram(.microseconds)
        histogram.observe(value)
        var reading = HistogramReading(.microseconds)
        reading.add(histogram)
        #expect(reading.buckets.firstIndex(of: 1) == bucket)
        #expect(reading.count == 1 && reading.total == value)
    }

    @Test func limitsAscend() {
        for scale in [HistogramScale.microseconds, .sizes] {
            for bucket in 1..<HistogramScale.limitCount {
                #expect(scale.limit(bucket) > scale.limit(bucket - 1))
            }
        }
    }

    @Test func histogramIsCumulativeAndInSeconds() {
        let one = Histogram(.microseconds)
        let other = Histogram(.microseconds)
        for value in [50, 100, 300] { one.observe(value) }
        other.observe(20_000_000)
        var reading = HistogramReading(.microseconds)
        reading.add(one)
        reading.add(other)
        var text = MetricsText()
        text.histogram("x_seconds", "What.", [([("route", "/a")], reading)])
        let lines = Self.lines(text)
        #expect(lines[0] == "# HELP x_seconds What.")
        #expect(lines[1] == "# TYPE x_seconds histogram")
        #expect(lines[2] == #"x_seconds_bucket{route="/a",le="0.0001"} 2"#)
        #expect(lines[3] == #"x_seconds_bucket{route="/a",le="0.00025"} 2"#)
        #expect(lines[4] == #"x_seconds_bucket{route="/a",le="0.0005"} 3"#)
        #expect(lines[20] == #"x_seconds_bucket{route="/a",le="10"} 3"#)
        #expect(lines[21] == #"x_seconds_bucket{route="/a",le="+Inf"} 4"#)
        #expect(lines[22] == #"x_seconds_sum{route="/a"} 20.00045"#)
        #expect(lines[23] == #"x_seconds_count{route="/a"} 4"#)
        #expect(lines.count == 24)
    }

    @Test func sizesArePowersOfTwo() {
        let histogram = Histogram(.sizes)
        for value in [1, 2, 3, 1024] { histogram.observe(value) }
        var reading = HistogramReading(.sizes)
        reading.add(histogram)
        #expect(reading.buckets[0...2] == [1, 1, 1] && reading.buckets[10] == 1)
    }

    @Test func labelsAndHelpAreEscaped() {
        var text = MetricsText()
        text.gauge("g", "a\\b\nc \"d\"", [([("l", "a\\b\nc \"d\"")], 1.5)])
        #expect(
            Self.lines(text) == [
                #"# HELP g a\\b\nc "d""#, "# TYPE g gauge", #"g{l="a\\b\nc \"d\""} 1.5"#,
            ])
    }

    @Test(arguments: [(0.0, "0"), (3, "3"), (1_795_727_420, "1795727420"), (0.25, "0.25")])
    func numbersAreShort(value: Double, text: String) {
        #expect(MetricsText.number(value) == text)
    }
}
