// Why connections are refused that do not say for whom they were accepted, and how many were.

import Metrics
import Synchronization

/// Why a connection is refused that needs a PROXY header.
enum ProxyRefusal: Equatable {
    /// It comes from nobody who may say for whom it asks.
    case untrusted
    /// It begins with something else.
    case missing
    /// In bytes, how long one may be.
    case tooLong(Int)
    /// What is wrong with the header, as the end of a sentence.
    case malformed(String)

    /// Of the metric.
    static let labels = ["untrusted", "missing", "too_long", "malformed"]

    /// Its place among the labels.
    var index: Int {
        switch self {
        case .untrusted: 0
        case .missing: 1
        case .tooLong: 2
        case .malformed: 3
        }
    }

    /// For the log.
    var sentence: String {
        switch self {
        case .untrusted: "it comes from an address that trusted-proxies does not name"
        case .missing: "it does not begin with a PROXY header"
        case .tooLong(let most): "its PROXY header is longer than \(most) bytes"
        case .malformed(let what): "its PROXY header \(what)"
        }
    }
}

/// Counts refused connections. Shared by all loops; any thread.
public final class ProxyRefusals: Sendable {
    private let untrusted = Atomic(0)
    private let missing = Atomic(0)
    private let tooLong = Atomic(0)
    private let malformed = Atomic(0)

    public init() {}

    func count(_ refusal: ProxyRefusal) {
        switch refusal {
        case .untrusted: untrusted.add(1, ordering: .relaxed)
        case .missing: missing.add(1, ordering: .relaxed)
        case .tooLong: tooLong.add(1, ordering: .relaxed)
        case .malformed: malformed.add(1, ordering: .relaxed)
        }
    }

    /// In the order of `ProxyRefusal.labels`.
    var counts: [Int] {
        [
            untrusted.load(ordering: .relaxed), missing.load(ordering: .relaxed),
            tooLong.load(ordering: .relaxed), malformed.load(ordering: .relaxed),
        ]
    }

    /// Adds the family to the page of metrics.
    public func appendMetrics(to text: inout MetricsText) {
        text.counter(
            "obie_tokens_proxy_refused_total",
            "Connections refused for want of a right PROXY header, by the reason.",
            zip(ProxyRefusal.labels, counts).map { ([("reason", $0)], $1) })
    }
}
