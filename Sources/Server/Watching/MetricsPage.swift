// The page at /metrics: what all loops have counted, and what the process takes. The names follow
// OpenTelemetry's where it has one.

import Metrics
import System
import Tokens

/// Adds up and renders. The main thread's: it asks no loop and no store, so it answers whatever
/// they are doing.
final class MetricsPage {
    private var loops: [LoopMetrics] = []
    private let store: any TokenStore
    private let clock: Timekeeper
    private let census: CodeCensus
    private let more: ((inout MetricsText) -> Void)?

    init(
        _ store: any TokenStore, _ clock: Timekeeper, _ census: CodeCensus,
        _ more: ((inout MetricsText) -> Void)?
    ) {
        self.store = store
        self.clock = clock
        self.census = census
        self.more = more
    }

    func add(_ loop: LoopMetrics) { loops.append(loop) }

    func render() -> [UInt8] {
        var text = MetricsText()
        appendRequests(&text)
        appendCodesAndTokens(&text)
        appendConnections(&text)
        text.gauge(
            "obie_tokens_store_available", "1 while the store takes changes, 0 while it does not.",
            store.isAvailable ? 1 : 0)
        more?(&text)
        appendProcess(&text)
        return text.bytes
    }

    /// The loops that have not turned for as long, by number.
    func stuckLoops(longerThan milliseconds: UInt64) -> [Int] {
        let now = Clock.monotonicMicroseconds()
        return loops.indices.filter { now - loops[$0].nextTick.value > Int(milliseconds) * 1000 }
    }

    private func sum(_ value: (LoopMetrics) -> Int) -> Int { LoopMetrics.sum(loops, value) }

    private func appendRequests(_ text: inout MetricsText) {
        text.histogram(
            "http_server_request_duration_seconds",
            "From a whole request to its answer, by route and status; _count counts requests.",
            LoopMetrics.durations(loops).map { route, method, status, reading in
                (
                    [
                        ("http_request_method", method.text), ("http_route", route.template),
                        ("http_response_status_code", status),
                    ], reading
                )
            })
        let errors = ErrorCode.allCases.map { code in
            ([("code", code.rawValue)], sum { $0.count(of: code) })
        }
        let oauthErrors = OAuthError.allCases.map { error in
            ([("code", error.rawValue)], sum { $0.count(of: error) })
        }
        text.counter(
            "obie_tokens_errors_total", "Error objects in answers, by their code.",
            errors + oauthErrors)
    }

    private func appendCodesAndTokens(_ text: inout MetricsText) {
        let codes = census.count(now: clock.now())
        text.gauge(
            "obie_tokens_codes_live",
            "Codes issued since the start, not redeemed and not expired; withdrawn consents' too.",
            Double(codes.live))
        text.counter(
            "obie_tokens_codes_issued_total", "Authorization codes issued.",
            sum { $0.codesIssued.value })
        text.counter(
            "obie_tokens_codes_redeemed_total", "Codes exchanged for an access token.",
            sum { $0.tokensIssued.value })
        text.counter(
            "obie_tokens_exchanges_repeated_total",
            "Exchanges answered once more under their idempotency key, with the same token.",
            sum { $0.exchangesRepeated.value })
        text.counter(
            "obie_tokens_codes_expired_total", "Codes that nobody redeemed in time.", codes.expired)
        let refusals = CodeRefusal.allCases.map { refusal in
            (
                [("reason", AuditReason(.codeRefused(refusal)).rawValue)],
                sum { $0.count(of: refusal) }
            )
        }
        text.counter(
            "obie_tokens_codes_refused_total", "Codes that were not exchanged, by the reason.",
            refusals)
        text.counter(
            "obie_tokens_codes_replayed_total", "Codes that came again after they were redeemed.",
            sum { $0.count(of: .used) })
        text.counter(
            "obie_tokens_tokens_issued_total", "Tokens issued, by kind.",
            [
                ([("kind", "access")], sum { $0.tokensIssued.value }),
                ([("kind", "ccg")], sum { $0.ccgTokensIssued.value }),
            ])
        text.counter(
            "obie_tokens_tokens_revoked_total", "Access tokens revoked by their institution.",
            sum { $0.tokensRevoked.value })
        text.counter(
            "obie_tokens_consents_revoked_total", "Consents revoked by their institution.",
            sum { $0.consentsRevoked.value })
    }

    private func appendConnections(_ text: inout MetricsText) {
        let opened = sum { $0.connectionsOpened.value }
        let closed = sum { $0.connectionsClosed.value }
        text.gauge(
            "obie_tokens_connections", "Open connections of the public listener.",
            Double(max(0, opened - closed)))
        text.counter(
            "obie_tokens_connections_accepted_total", "Connections of the public listener.", opened)
        text.counter(
            "obie_tokens_accept_errors_total",
            "Connections that could not be accepted; clients may have tried again.",
            sum { $0.acceptErrors.value })
        text.counter(
            "obie_tokens_received_bytes_total", "Bytes from clients.",
            sum { $0.receivedBytes.value })
        text.counter(
            "obie_tokens_sent_bytes_total", "Bytes to clients.", sum { $0.sentBytes.value })
        let now = Clock.monotonicMicroseconds()
        text.gauge(
            "obie_tokens_loop_lag_seconds",
            "By how much a loop's clock is late: what waits on the loop waits at least as long.",
            loops.enumerated().map { index, loop in
                let overdue = max(loop.lateMicroseconds.value, now - loop.nextTick.value, 0)
                return ([("loop", "\(index)")], Double(overdue) / 1_000_000)
            })
    }

    private func appendProcess(_ text: inout MetricsText) {
        text.gauge(
            "obie_tokens_wall_clock_ahead_seconds",
            "What the wall clock is ahead of the server's time, or behind where negative.",
            Double(clock.wallClockAhead) / 1000)
        text.counter(
            "process_cpu_seconds_total", "CPU time, user and system.",
            seconds: Machine.processorSeconds)
        text.gauge(
            "process_resident_memory_bytes", "Resident memory.", Double(Machine.residentBytes))
        if let count = Machine.openDescriptors {
            text.gauge("process_open_fds", "Open file descriptors.", Double(count))
        }
        text.gauge(
            "process_max_fds", "Limit of open file descriptors.", Double(Machine.descriptorLimit))
        text.gauge(
            "process_start_time_seconds", "When the process started, in seconds since 1970.",
            Double(startedAt) / 1000)
    }

    private let startedAt = Clock.wallMilliseconds()
}
