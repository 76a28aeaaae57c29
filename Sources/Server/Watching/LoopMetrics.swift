// What one event loop counts. Its thread writes; the probes' thread reads.

import HTTP1
import Metrics
import System
import Tokens

/// A request as metrics know it. Few values, whatever clients send.
struct RequestKind: Equatable {
    var route = Route.other
    var method = MethodLabel.other

    /// OpenTelemetry's `http.request.method`.
    enum MethodLabel: UInt8, CaseIterable {
        case get, head, post, options, other

        var text: String {
            switch self {
            case .get: "GET"
            case .head: "HEAD"
            case .post: "POST"
            case .options: "OPTIONS"
            case .other: "_OTHER"
            }
        }

        init(_ method: Method) {
            switch method {
            case .get: self = .get
            case .head: self = .head
            case .post: self = .post
            case .options: self = .options
            case .put, .delete, .patch, .trace: self = .other
            }
        }
    }
}

/// The counters of one loop. They only cost adding: each has one writer.
final class LoopMetrics: Sendable {
    private static let statuses = [
        201, 200, 204, 400, 401, 403, 404, 405, 408, 413, 414, 417, 429, 431, 500, 501, 503, 505,
    ]
    /// Room for every route, method and status.
    private static let kinds = 11 * 5 * 18
    static let refusals: [CodeRefusal] = [
        .unknown, .expired, .used, .otherInstitution, .otherProvider, .otherRedirectURI, .revoked,
    ]
    static let oauthErrors = ["invalid_client", "invalid_request"]

    private let durations: InlineArray<990, Histogram>
    private let errors: InlineArray<25, Counter>
    private let oauthErrors: InlineArray<2, Counter>
    private let refusals: InlineArray<7, Counter>
    private let census: CodeCensus
    let codesIssued = Counter()
    let tokensIssued = Counter()
    let ccgTokensIssued = Counter()
    let tokensRevoked = Counter()
    let connectionsOpened = Counter()
    let connectionsClosed = Counter()
    let receivedBytes = Counter()
    let sentBytes = Counter()
    /// By how much the last tick of the clock came too late, in microseconds.
    let lateMicroseconds = Counter()
    /// When the clock should tick next, in monotonic microseconds.
    let nextTick = Counter()

    /// - Parameter codeLifetime: what every code gets.
    init(codeLifetime: Milliseconds, now: Milliseconds) {
        precondition(
            LoopMetrics.kinds == (Int(Route.metrics.rawValue) + 2) * 5 * LoopMetrics.statuses.count
                && ErrorCode.allCases.count == 25)
        durations = InlineArray { _ in Histogram(.microseconds) }
        errors = InlineArray { _ in Counter() }
        oauthErrors = InlineArray { _ in Counter() }
        refusals = InlineArray { _ in Counter() }
        census = CodeCensus(lifetime: codeLifetime, now: now)
    }

    /// An answer is ready.
    ///
    /// - Parameter began: when the request was whole, in monotonic microseconds cut to 32 bits.
    func answered(_ response: Response, _ kind: RequestKind, since began: UInt32) {
        let status: Int
        switch response {
        case .token(let issued):
            status = 201
            noteCodeRedeemed(issuedAt: issued.codeIssuedAt)
        default:
            status = response.status.code
            count(response)
        }
        guard let cell = LoopMetrics.cell(kind, status) else { return }
        durations[cell].observe(LoopMetrics.microseconds(since: began))
    }

    /// An answer takes less than the 71 minutes after which 32 bits begin again.
    static func microseconds(since began: UInt32) -> Int {
        Int(UInt32(truncatingIfNeeded: Clock.monotonicMicroseconds()) &- began)
    }

    func noteCodeIssued(at time: Milliseconds) {
        codesIssued.add()
        census.issued(at: time)
    }

    func noteCodeRedeemed(issuedAt time: Milliseconds) {
        tokensIssued.add()
        census.redeemed(issuedAt: time)
    }

    private func count(_ response: Response) {
        switch response {
        case .token, .introspection, .options, .content, .revoked(nil): return
        case .fixedToken, .ccgToken: ccgTokensIssued.add()
        case .code: noteCodeIssued(at: Clock.wallMilliseconds())
        case .revoked: tokensRevoked.add()
        case .oauthError(let code, _, _):
            guard let index = LoopMetrics.oauthErrors.firstIndex(of: code) else { return }
            oauthErrors[index].add()
        case .failure(let error), .rateLimited(_, let error?):
            if case .codeRefused(let refusal, _) = error,
                let index = LoopMetrics.refusals.firstIndex(of: refusal)
            {
                refusals[index].add()
            }
            countErrors(response)
        case .faults, .methodNotAllowed, .rateLimited(_, nil): countErrors(response)
        }
    }

    private func countErrors(_ response: Response) {
        for fault in response.errorObjects {
            guard let index = ErrorCode.allCases.firstIndex(of: fault.code) else { continue }
            errors[index].add()
        }
    }

    private static func cell(_ kind: RequestKind, _ status: Int) -> Int? {
        guard let status = statuses.firstIndex(of: status) else { return nil }
        let route = Int(kind.route.rawValue)
        return (route * 5 + Int(kind.method.rawValue)) * statuses.count + status
    }
}

// MARK: Reading

extension LoopMetrics {
    /// What loops have counted, added up.
    static func durations(
        _ loops: [LoopMetrics]
    ) -> [(route: Route, method: RequestKind.MethodLabel, status: Int, HistogramReading)] {
        var readings: [(Route, RequestKind.MethodLabel, Int, HistogramReading)] = []
        for route in Route.allCases {
            for method in RequestKind.MethodLabel.allCases {
                for status in statuses {
                    guard let cell = cell(RequestKind(route: route, method: method), status),
                        loops.contains(where: { !$0.durations[cell].isEmpty })
                    else { continue }
                    var reading = HistogramReading(.microseconds)
                    for loop in loops { reading.add(loop.durations[cell]) }
                    readings.append((route, method, status, reading))
                }
            }
        }
        return readings
    }

    static func sum(_ loops: [LoopMetrics], _ value: (LoopMetrics) -> Int) -> Int {
        loops.reduce(0) { $0 + value($1) }
    }

    func errorCount(_ index: Int) -> Int { errors[index].value }
    func oauthErrorCount(_ index: Int) -> Int { oauthErrors[index].value }
    func refusalCount(_ index: Int) -> Int { refusals[index].value }

    /// Codes that could be redeemed at `now`, and those that nobody redeemed in time.
    static func codes(_ loops: [LoopMetrics], now: Milliseconds) -> (live: Int, expired: Int) {
        let counts = loops.map { $0.census.count(now: now) }
        return (
            max(0, counts.reduce(0) { $0 + $1.live }), max(0, counts.reduce(0) { $0 + $1.expired })
        )
    }
}
