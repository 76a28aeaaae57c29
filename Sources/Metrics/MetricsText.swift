// Prometheus' text format, version 0.0.4: families of samples, each with what it means.

/// A page of metrics in the making. A value.
public struct MetricsText: Sendable {
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    public private(set) var bytes: [UInt8] = []

    public init() {}

    public typealias Labels = [(name: String, value: String)]

    /// A family whose samples only grow. The name ends in `_total`.
    public mutating func counter(_ name: String, _ help: String, _ samples: [(Labels, Int)]) {
        family(name, "counter", help)
        for (labels, value) in samples { sample(name, labels, "\(value)") }
    }

    public mutating func counter(_ name: String, _ help: String, _ value: Int) {
        counter(name, help, [([], value)])
    }

    /// A family whose samples go up and down.
    public mutating func gauge(_ name: String, _ help: String, _ samples: [(Labels, Double)]) {
        family(name, "gauge", help)
        for (labels, value) in samples { sample(name, labels, MetricsText.number(value)) }
    }

    public mutating func gauge(_ name: String, _ help: String, _ value: Double) {
        gauge(name, help, [([], value)])
    }

    /// A counter that is not whole, such as seconds.
    public mutating func counter(_ name: String, _ help: String, seconds: Double) {
        family(name, "counter", help)
        sample(name, [], MetricsText.number(seconds))
    }

    /// Durations are written in seconds, as everything is in base units.
    public mutating func histogram(
        _ name: String, _ help: String, _ samples: [(Labels, HistogramReading)]
    ) {
        family(name, "histogram", help)
        for (labels, reading) in samples {
            var below = 0
            for (bucket, count) in reading.buckets.enumerated() {
                below += count
                let limit =
                    bucket < HistogramScale.limitCount
                    ? MetricsText.text(reading.scale.limit(bucket), reading.scale) : "+Inf"
                sample("\(name)_bucket", labels + [("le", limit)], "\(below)")
            }
            sample("\(name)_sum", labels, MetricsText.text(reading.total, reading.scale))
            sample("\(name)_count", labels, "\(below)")
        }
    }

    private mutating func family(_ name: String, _ type: String, _ help: String) {
        let help = MetricsText.escaped(help, quotes: false)
        bytes.append(contentsOf: "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n".utf8)
    }

    private mutating func sample(_ name: String, _ labels: Labels, _ value: String) {
        bytes.append(contentsOf: name.utf8)
        if !labels.isEmpty {
            let pairs = labels.map {
                "\($0.name)=\"\(MetricsText.escaped($0.value, quotes: true))\""
            }
            bytes.append(contentsOf: "{\(pairs.joined(separator: ","))}".utf8)
        }
        bytes.append(contentsOf: " \(value)\n".utf8)
    }

    private static func text(_ value: Int, _ scale: HistogramScale) -> String {
        switch scale {
        case .microseconds: number(Double(value) / 1_000_000)
        case .sizes: "\(value)"
        }
    }

    /// Whole numbers without a fraction, and no exponent where people would not write one.
    static func number(_ value: Double) -> String {
        if value == value.rounded(), abs(value) < 1e15 { return "\(Int(value))" }
        return "\(value)"
    }

    static func escaped(_ text: String, quotes: Bool) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += #"\\"#
            case "\n": escaped += #"\n"#
            case "\"" where quotes: escaped += #"\""#
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
