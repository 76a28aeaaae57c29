// What one event loop counts. Its thread writes; the probes' thread reads.

import Metrics
import System
import Tokens

/// The counters of one loop. They only cost adding: each has one writer.
final class LoopMetrics: Sendable {
    /// Durations of requests, one histogram for each route, method and status.
    private let durations: [SharedHistogram]
    private let errors: [SharedCounter]
    private let oauthErrors: [SharedCounter]
    private let refusals: [SharedCounter]
    private let createdRow = StatusTable.row(Success.created.status.code)
    /// Of all loops.
    private let census: CodeCensus
    let codesIssued = Counter()
    let tokensIssued = Counter()
    let exchangesRepeated = Counter()
    let ccgTokensIssued = Counter()
    let tokensRevoked = Counter()
    let consentsRevoked = Counter()
    let connectionsOpened = Counter()
    let connectionsClosed = Counter()
    /// Connections that the kernel announced and then could not hand over.
    let acceptErrors = Counter()
    let receivedBytes = Counter()
    let sentBytes = Counter()
    /// By how much the last tick of the clock came too late, in microseconds.
    let lateMicroseconds = Counter()
    /// When the clock should tick next, in monotonic microseconds.
    let nextTick = Counter()

    init(_ census: CodeCensus) {
        self.census = census
        let cells = Route.allCases.count * MethodLabel.allCases.count * StatusTable.rows
        durations = (0..<cells).map { _ in SharedHistogram(.microseconds) }
        errors = ErrorCode.allCases.map { _ in SharedCounter() }
        oauthErrors = OAuthError.allCases.map { _ in SharedCounter() }
        refusals = CodeRefusal.allCases.map { _ in SharedCounter() }
    }

    /// A request is finished.
    func answered(
        _ response: Response, _ record: borrowing RequestRecord, _ microseconds: Int
    ) {
        let row: Int
        switch response {
        case .token(let issued):
            row = createdRow
            tokensIssued.add()
            census.redeemed(issuedAt: issued.codeIssuedAt)
        default:
            row = StatusTable.row(response.status.code)
            count(response, record.route)
        }
        let cell = LoopMetrics.cell(record.route, record.method, row)
        durations[cell].histogram.observe(microseconds)
    }

    /// An answer takes less than the 71 minutes after which 32 bits begin again.
    static func microseconds(since began: UInt32) -> Int {
        Int(UInt32(truncatingIfNeeded: Clock.monotonicMicroseconds()) &- began)
    }

    private func count(_ response: Response, _ route: Route) {
        switch response {
        case .token, .introspection, .options, .page, .content, .revoked(nil): return
        case .repeatedToken: exchangesRepeated.add()
        case .fixedToken, .ccgToken: ccgTokensIssued.add()
        case .code(let code, _, _):
            codesIssued.add()
            census.issued(at: code.issuedAt)
        case .revoked: tokensRevoked.add()
        case .consentRevoked: consentsRevoked.add()
        case .oauthError(let error, _): oauthErrors[error.index].counter.add()
        case .failure(let error), .rateLimited(_, let error?):
            switch error {
            case .codeRefused(let refusal, _, _): refusals[refusal.index].counter.add()
            // Elsewhere it is no code that is refused.
            case .providerNotAuthorised(let refusal) where route == .tokens:
                refusals[CodeRefusal.notAuthorised(refusal).index].counter.add()
            case .providerNotAuthorised, .ccgTokenInvalid, .certificateInvalid, .store: break
            }
            countErrors(response)
        case .faults, .methodNotAllowed, .rateLimited(_, nil): countErrors(response)
        }
    }

    private func countErrors(_ response: Response) {
        for fault in response.errorObjects { errors[fault.code.index].counter.add() }
    }

    private static func cell(_ route: Route, _ method: MethodLabel, _ row: Int) -> Int {
        (row * Route.allCases.count + Int(route.rawValue)) * MethodLabel.allCases.count
            + Int(method.rawValue)
    }

    /// Notes by how much the tick is late, and when the next is due.
    func ticked(everyMilliseconds tick: UInt64) {
        let now = Clock.monotonicMicroseconds()
        let due = nextTick.value
        lateMicroseconds.set(due == 0 ? 0 : max(0, now - due))
        nextTick.set(now + Int(tick) * 1000)
    }

    /// The loop will not turn any more.
    func ended() { nextTick.set(.max) }
}

// MARK: Reading

extension LoopMetrics {
    /// What loops have counted, added up.
    static func durations(
        _ loops: [LoopMetrics]
    ) -> [(route: Route, method: MethodLabel, status: String, HistogramReading)] {
        var readings: [(Route, MethodLabel, String, HistogramReading)] = []
        for route in Route.allCases {
            for method in MethodLabel.allCases {
                for row in 0..<StatusTable.rows {
                    let cell = cell(route, method, row)
                    guard loops.contains(where: { !$0.durations[cell].histogram.isEmpty })
                    else { continue }
                    var reading = HistogramReading(.microseconds)
                    for loop in loops { reading.add(loop.durations[cell].histogram) }
                    readings.append((route, method, StatusTable.name(row), reading))
                }
            }
        }
        return readings
    }

    static func sum(_ loops: [LoopMetrics], _ value: (LoopMetrics) -> Int) -> Int {
        loops.reduce(0) { $0 + value($1) }
    }

    func count(of code: ErrorCode) -> Int { errors[code.index].counter.value }
    func count(of error: OAuthError) -> Int { oauthErrors[error.index].counter.value }
    func count(of refusal: CodeRefusal) -> Int { refusals[refusal.index].counter.value }
}

extension CaseIterable where Self: Equatable, AllCases.Index == Int {
    /// The place among all cases.
    fileprivate var index: Int {
        guard let index = Self.allCases.firstIndex(of: self) else {
            preconditionFailure("a case is one of all cases")
        }
        return index
    }
}
