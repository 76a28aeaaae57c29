// What is counted of TLS: on each loop, and for a listener as a whole.

import Metrics
import Synchronization
import System

/// The counts of one loop. Its thread writes; the thread of the metrics reads.
final class TLSCounters: Sendable {
    let started = Counter()
    let finished12 = Counter()
    let finished13 = Counter()
    /// Those that ended before they were finished.
    let unfinished = Counter()
    let truncated = Counter()
    let durations = Histogram(.microseconds)
    private let failures = TLSFailure.allCases.map { _ in SharedCounter() }

    /// A handshake is finished.
    ///
    /// - Parameter microseconds: from the connection's begin.
    func finished(isOldest: Bool, microseconds: Int) {
        if isOldest { finished12.add() } else { finished13.add() }
        durations.observe(microseconds)
    }

    func failed(_ failure: TLSFailure) {
        guard let index = TLSFailure.allCases.firstIndex(of: failure) else { return }
        failures[index].counter.add()
    }

    func count(of failure: TLSFailure) -> Int {
        TLSFailure.allCases.firstIndex(of: failure).map { failures[$0].counter.value } ?? 0
    }
}

extension TLSEndpoint {
    /// The families of all listeners that speak TLS. Any thread; waits for nobody.
    ///
    /// - Parameter endpoints: with the name of their listener.
    public static func appendMetrics(
        _ endpoints: [(listener: String, endpoint: TLSEndpoint)], to text: inout MetricsText
    ) {
        let loops = endpoints.flatMap { $0.endpoint.counters }
        func sum(_ value: (TLSCounters) -> Int) -> Int { loops.reduce(0) { $0 + value($1) } }
        let finished = (sum { $0.finished12.value }, sum { $0.finished13.value })
        text.counter(
            "obie_tokens_tls_handshakes_total", "TLS handshakes that were finished, by version.",
            [
                ([("version", TLSVersion.tls12.name)], finished.0),
                ([("version", TLSVersion.tls13.name)], finished.1),
            ])
        text.counter(
            "obie_tokens_tls_failures_total",
            "Connections that TLS has ended, in the handshake or after it, by the reason.",
            TLSFailure.allCases.map { failure in
                ([("reason", failure.rawValue)], sum { $0.count(of: failure) })
            })
        let begun = sum { $0.started.value } - sum { $0.unfinished.value } - finished.0 - finished.1
        text.gauge(
            "obie_tokens_tls_handshakes_under_way", "TLS handshakes under way.",
            Double(max(0, begun)))
        var durations = HistogramReading(.microseconds)
        for loop in loops { durations.add(loop.durations) }
        text.histogram(
            "obie_tokens_tls_handshake_duration_seconds",
            "From a connection's begin to the end of its TLS handshake.", [([], durations)])
        text.counter(
            "obie_tokens_tls_truncated_total",
            "Connections that ended without saying so (close_notify); nothing half is ever done.",
            sum { $0.truncated.value })
        func ends(_ end: (TLSContext) -> Int64?) -> [(MetricsText.Labels, Double)] {
            endpoints.compactMap { listener, endpoint in
                end(endpoint.context).map { ([("listener", listener)], Double($0 / 1000)) }
            }
        }
        text.gauge(
            "obie_tokens_tls_certificate_expiry_timestamp_seconds",
            "When the first of a listener's certificates ends, in seconds since 1970.",
            ends { $0.expiry })
        text.gauge(
            "obie_tokens_tls_client_ca_expiry_timestamp_seconds",
            "When the first CA of a listener's clients ends, in seconds since 1970.",
            ends { $0.authorityExpiry })
        text.gauge(
            "obie_tokens_tls_revocation_list_expiry_timestamp_seconds",
            "When the first of a listener's revocation lists ends, in seconds since 1970.",
            ends { $0.revocationExpiry })
    }
}
