// The one who sees everything that happens on a loop, and tells metrics, audit log and access log.
// Connections know nothing of those.

import System
import Tokens

/// Sees what comes and goes, and each request that is finished, whether or not its answer could
/// still be delivered. One per loop, on its thread.
final class LoopObserver {
    /// nil where nobody counts.
    let metrics: LoopMetrics?
    /// nil where no reports are kept.
    private let reports: LoopReports?
    /// nil where there is no audit log.
    private let auditor: Auditor?
    /// nil where nothing is logged.
    private let log: Logger?
    private let isStrict: Bool
    private var turnBegan: UInt32?
    /// Of the access log, in this turn: the thread that writes is woken once for all.
    private let lines: AccessLines?
    /// In bytes; more are not kept to the turn's end.
    private static let linesMax = 64 * 1024

    init(
        metrics: LoopMetrics? = nil, reports: LoopReports? = nil, auditor: Auditor? = nil,
        log: Logger? = nil
    ) {
        self.metrics = metrics
        self.reports = reports
        self.auditor = auditor
        self.log = log
        lines = log.map { AccessLines($0.lineFormat) }
        isStrict = auditor?.gate != nil
    }

    // MARK: Requests

    /// A request has been read.
    func began(
        _ request: borrowing Request, _ bytes: Span<UInt8>, _ reply: borrowing ReplyContext
    ) -> RequestRecord {
        let isNoted = auditor != nil || log?.isAccessLogged == true
        return RequestRecord(
            MethodLabel(request.method), began: turnBeganMicroseconds,
            isNoted
                ? RequestNotes(
                    request, bytes, reply.interactionID, isAudited: auditor != nil) : nil)
    }

    /// Something has come that cannot be read as a request, and gets an answer.
    func began() -> RequestRecord { RequestRecord(began: turnBeganMicroseconds) }

    /// The answer must not leave before it is in the audit log, on disk.
    func mustConfirm(_ response: Response) -> Bool { isStrict && response.hasDoneSomething }

    /// Writes it down before it is given.
    ///
    /// - Parameter completion: is told whether it is on disk; at once, or later on this thread.
    func confirm(
        _ record: borrowing RequestRecord, _ response: Response, _ origin: RequestOrigin,
        completion: @escaping (Bool) -> Void
    ) {
        auditor?.confirm(response, record.notes, origin, completion: completion)
    }

    /// - Parameters:
    ///   - ids: of the error objects in the answer; none where it could not be delivered.
    ///   - isConfirmed: it is in the audit log already.
    ///   - bytes: of the answer; 0 where it could not be delivered.
    ///   - origin: asked for only where it matters.
    func finished(
        _ record: borrowing RequestRecord, _ response: Response, _ ids: [SealedIdentifier],
        isConfirmed: Bool, bytes: Int, origin: () -> RequestOrigin
    ) {
        // Once: what they say must agree.
        let microseconds =
            metrics == nil && log == nil
            ? 0 : LoopMetrics.microseconds(since: record.beganMicroseconds)
        metrics?.answered(response, record, microseconds)
        reports?.answered(record, status: response.statusCode, microseconds: microseconds)
        if !isConfirmed {
            auditor?.answered(response, ids, record.notes, origin)
        }
        if let lines, log?.isAccessLogged == true {
            lines.append(response, ids, record, microseconds, bytes: bytes, origin())
            if lines.length > LoopObserver.linesMax { handOverLines() }
        }
    }

    private func handOverLines() {
        guard let lines, lines.count > 0 else { return }
        lines.take { log?.add($0, count: $1) }
    }

    // MARK: Connections

    func opened() { metrics?.connectionsOpened.add() }
    func closed() { metrics?.connectionsClosed.add() }
    func acceptFailed() { metrics?.acceptErrors.add() }
    func received(_ count: Int) { metrics?.receivedBytes.add(count) }
    func sent(_ count: Int) { metrics?.sentBytes.add(count) }

    // MARK: The loop

    /// The loop is about to wait for the kernel.
    func turnEnded() {
        turnBegan = nil
        handOverLines()
    }

    /// The clock is read once a turn: what waits for its turn within the turn waits visibly.
    private var turnBeganMicroseconds: UInt32 {
        if metrics == nil, log == nil { return 0 }
        if let turnBegan { return turnBegan }
        let now = UInt32(truncatingIfNeeded: Clock.monotonicMicroseconds())
        turnBegan = now
        return now
    }

    /// The loop's clock ticks, as often as `tickMilliseconds` says.
    func ticked(everyMilliseconds tick: UInt64) {
        metrics?.ticked(everyMilliseconds: tick)
        auditor?.ticked()
    }

    /// Nothing more will happen on the loop.
    func ended() {
        handOverLines()
        metrics?.ended()
        auditor?.ended()
    }
}

extension Response {
    /// Without a look at the rest, where it is what comes most.
    fileprivate var statusCode: Int {
        if case .token = self { Success.created.status.code } else { status.code }
    }
}
