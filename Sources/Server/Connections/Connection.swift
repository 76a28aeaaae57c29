// One client connection: bytes in, requests out to the handler, answers back in order. `ConnectionState`
// decides what is next; here it is done. It knows neither what is asked nor the kind of its stream.

import Bytes
import HTTP1
import Tokens
import UV

/// Runs one connection. The loop's thread only.
final class Connection: ByteStreamHandler, Responder, DeadlineHolder {
    let stream: any ByteStream
    /// As far as anybody has asked for it: the stream knows it no more once the client has gone.
    var knownAddress: [UInt8] = []
    /// Who sends the request that is being answered, as trusted proxies say; empty: the stream's peer.
    var forwardedAddress: [UInt8] = []
    /// What a proxy has passed on, or somebody who is none has tried to; nil: nothing.
    var forwardedCertificate: ForwardedCertificate?
    /// Held both ways until the connection is closed and the host forgets it.
    let host: any ConnectionHost
    let commons: LoopCommons
    // The same as in `commons`: each request asks for these several times.
    let replies: Replies
    let observer: LoopObserver
    /// The loop's, or one of its own in the midst of a request.
    var held: HeldReader
    /// The loop's, or one of its own while the store owes the answer.
    var openRequest: OpenRequest
    let session = Session()
    /// Bytes of an unfinished request, or of requests behind the one being answered.
    var kept: [UInt8] = []
    private(set) var deadline = UInt64.max
    var wheelTick = UInt64.max
    /// Since when it waits for its next request, in monotonic milliseconds.
    private(set) var idleSince: UInt64
    /// What the client had not read when the wait for it began.
    private var unreadBytes = 0
    // From here on what is small: in another order it would take more memory.
    var wheelPlace: UInt32 = 0
    /// Among the connections of the loop; the host's.
    var listPlace: UInt32 = 0
    var requests: UInt32 = 0
    var droppedBytes: UInt32 = 0
    var budget = TurnBudget()
    private(set) var state: ConnectionState
    var isWorking = false
    /// The handler has a request, whatever has become of the connection.
    var owesAnswer = false
    /// The stream has made its last call.
    private var isGone = false

    init(_ stream: any ByteStream, _ host: any ConnectionHost) {
        self.stream = stream
        self.host = host
        commons = host.commons
        (replies, observer) = (commons.replies, commons.observer)
        held = commons.spareReader
        openRequest = commons.spareRequest
        state = ConnectionState(isReady: stream.isReady)
        idleSince = host.monotonicMilliseconds
        arm()
    }

    // MARK: What the stream says

    func becameReady() {
        idleSince = host.monotonicMilliseconds
        happened(.becameReady)
        host.becameReady(self)
    }

    func received(_ bytes: Span<UInt8>) {
        observer.received(bytes.count)
        switch state.phase {
        case .handshaking, .closed: return
        case .lingering: drop(bytes.count)
        case .answering: keep(bytes)
        case .reading:
            if !state.isParsing {
                keep(bytes)
            } else if kept.isEmpty {
                let consumed = work(bytes)
                if consumed < bytes.count { keepMore(bytes, consumed..<bytes.count) }
            } else {
                keepMore(bytes, 0..<bytes.count)
                workOnKept()
            }
            settle()
        }
    }

    func receivedEnd() { happened(.peerEnded) }

    func drained() { happened(.drained) }

    func failed(_ failure: StreamFailure) {
        if case .handshake(let reason) = failure {
            host.handshakeFailed(reason, peer: streamAddress)
        }
        happened(.failed)
    }

    func closed() {
        isGone = true
        happened(.closed)
        host.connectionClosed(self)
    }

    // MARK: What the loop says

    func nextTurnCame() { happened(.nextTurnCame) }

    func deadlinePassed() {
        let hasProgressed =
            state.waiting == .unreadAnswers && stream.undeliveredBytes < unreadBytes
        happened(.deadlinePassed(hasProgressed: hasProgressed))
    }

    /// The server stops: idle connections close, others after their next answer. One that was just in
    /// use may have a request on its way, which is answered too.
    func stop() {
        let idle = host.monotonicMilliseconds - idleSince
        happened(.serverStops(isQuiet: idle >= limits.quietMilliseconds))
    }

    /// The server has waited long enough.
    func abort() { happened(.aborted) }

    /// Another client needs the place.
    func makeRoom() { happened(.placeNeeded) }

    var limits: ServerLimits { commons.limits }

    /// Limits may be shorter now: the wheel has to look earlier.
    func limitsChanged() {
        if state.waiting == .request {
            deadline = min(deadline, idleSince + limits.idleTimeoutMilliseconds)
        }
        host.deadlineCameNearer(self)
    }

    /// It has connected, and not said what a handshake begins with.
    var isSilent: Bool { stream.isSilent }

    /// It has sent a request, ever.
    var hasAsked: Bool { requests > 0 }

    /// Whether it may make room for another client.
    var isIdle: Bool { state.isIdle && stream.queuedBytes == 0 }

    /// It has sent a part of its request, or nothing.
    var isWaitingForBytes: Bool {
        state.phase == .reading && state.isParsing && stream.queuedBytes == 0
    }
}

// MARK: Answers

extension Connection {
    var notes: RequestNotes? { openRequest.record.notes }
    func routed(to route: Route) { openRequest.record.route = route }
    func asked(for institution: Institution.ID) {
        openRequest.record.institution = institution.number
    }

    func respond(_ response: Response) {
        precondition(owesAnswer, "a request is answered once")
        if observer.mustConfirm(response) { return confirm(response) }
        deliver(response, isConfirmed: false)
    }

    /// The answer waits for its line in the audit log. Without it, nobody is told what was done.
    private func confirm(_ response: Response) {
        // Taken out: the answer may come within the call.
        let asked = openRequest.record
        observer.confirm(asked, response, origin) { [self] isOnDisk in
            if isOnDisk { return deliver(response, isConfirmed: true) }
            openRequest.record.notes?.reason = .auditUnavailable
            deliver(.failure(.store(.outcomeUnknown)), isConfirmed: false)
        }
    }

    private func deliver(_ response: Response, isConfirmed: Bool) {
        owesAnswer = false
        // What was done is recorded, whether or not the client can still be told.
        guard state.phase != .closed else { return recordUndelivered(response, isConfirmed) }
        precondition(
            isWorking || !replies.isInUse, "a store answers others outside of a request's handling")
        let asked = openRequest
        if state.isStopping { asked.reply.keepsAlive = false }
        let before = replies.count
        // A copy, which nobody has to check the access to.
        let context = asked.reply
        let ids = replies.append(response, context, context.hasGivenID ? asked.givenID : [])
        observer.finished(
            asked.record, response, ids, isConfirmed: isConfirmed, bytes: replies.count - before
        ) { origin }
        asked.record.notes = nil
        happened(.answered(isLast: !context.keepsAlive))
        if isWorking { return }
        openRequest = commons.spareRequest
        // The store took its time: go on with what has come in since.
        if state.isParsing {
            stopWhereTooMuchIsQueued()
            workOnKept()
        }
        settle()
    }

    private func recordUndelivered(_ response: Response, _ isConfirmed: Bool) {
        let asked = openRequest
        observer.finished(asked.record, response, [], isConfirmed: isConfirmed, bytes: 0) { origin }
        asked.record.notes = nil
        if isGone { host.answeredAfterClose(self) }
    }

    /// Hands the answers to the kernel and sees to what the connection waits for next.
    private func settle() {
        flush(isLast: state.phase == .lingering)
        if state.phase == .answering, kept.count > limits.keptBytesMax {
            happened(.tooMuchKept)
        }
        happened(.settled)
    }

    /// - Parameter isLast: the end follows at once.
    private func flush(isLast: Bool = false) {
        guard replies.count > 0 else { return }
        observer.sent(replies.count)
        // What comes on top is no sign that the client has stopped reading.
        unreadBytes += replies.count
        replies.take { isLast ? stream.writeLast($0) : stream.write($0) }
    }

    /// A client that does not read its answers is not read from.
    func stopWhereTooMuchIsQueued() {
        if replies.count >= limits.outputBytesMax { flush() }
        guard state.isParsing, stream.queuedBytes > limits.queuedBytesMax else { return }
        happened(.tooMuchQueued)
    }
}

// MARK: Performing

extension Connection {
    /// The one way to the state, and from there to what is done.
    func happened(_ event: ConnectionState.Event) {
        // A copy is changed and put back: changing it in its place would be checked at run time.
        var next = state
        let actions = next.happened(event, isQueueEmpty: stream.queuedBytes == 0)
        state = next
        if !actions.isEmpty { perform(actions) }
        // Amid requests nothing is waited for: `settled` follows.
        if !isWorking { arm() }
    }

    private func perform(_ actions: ConnectionState.Actions) {
        if actions.contains(.finishSending) {
            kept = []
            stream.finishSending()
        }
        if actions.contains(.pauseReading) { stream.pauseReading() }
        if actions.contains(.resumeReading) { stream.resumeReading() }
        if actions.contains(.awaitNextTurn) { host.awaitNextTurn(self) }
        if actions.contains(.close) { stream.close() }
        if actions.contains(.reset) { stream.reset() }
        if actions.contains(.readKept) {
            workOnKept()
            settle()
        }
        if actions.contains(.answerTimeout) { answerTimeout() }
    }

    private func answerTimeout() {
        let (limits, bytes) = (limits, kept)
        let (part, milliseconds) =
            state.part == .body
            ? ("body", limits.bodyTimeoutMilliseconds) : ("head", limits.headTimeoutMilliseconds)
        refuse(
            Fault(
                .requestTimeout,
                "the \(part) of a request must come within \(milliseconds / 1000) s"),
            bytes.span, 0)
    }

    /// The one place where deadlines are set.
    private func arm() {
        var next = state
        guard let wait = next.nextWait(isQueueEmpty: stream.queuedBytes == 0) else { return }
        state = next
        let now = host.monotonicMilliseconds
        if wait == .request { idleSince = now }
        if wait == .unreadAnswers { unreadBytes = stream.undeliveredBytes }
        let start = wait == .lastRequest || wait == .lastHandshake ? idleSince : now
        deadline = limits.milliseconds(for: wait).map { start + $0 } ?? .max
        if deadline != .max, DeadlineWheel<Connection>.tick(deadline) < wheelTick {
            host.deadlineCameNearer(self)
        }
    }
}
