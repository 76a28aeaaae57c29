// One client connection: bytes in, requests out to the handler, answers back in order. It knows
// neither what is asked nor which kind of stream it stands on.

import HTTP1
import Tokens
import UV

/// Requests are answered one after the other: the next is looked at when the last one's answer is
/// written, so answers are in order however long the store takes, and memory is bounded.
final class Connection: ByteStreamHandler, Responder, DeadlineHolder {
    private enum Phase {
        /// Between requests or inside one.
        case reading
        /// The handler has a request and owes the answer.
        case answering
        /// The last answer is out; what still comes in is dropped until the client closes.
        case lingering
        case closed
    }

    /// What a deadline is for while reading.
    private enum Awaited {
        case request, restOfHead, restOfBody
    }

    private let stream: any ByteStream
    /// Held both ways until the connection is closed and the host forgets it.
    private let host: any ConnectionHost
    private let replies: Replies
    private let auditor: Auditor?
    /// Of the request that is being answered.
    private(set) var notes: RequestNotes?
    private var phase = Phase.reading
    private var reader: RequestReader
    private var session = Session()
    private var context = ReplyContext()
    /// Bytes of an unfinished request, or of requests behind the one being answered.
    private(set) var kept: [UInt8] = []
    /// As the reader says; asking it each time would be an access to all of it.
    private var isBetweenRequests = true
    private var isWorking = false
    private var hasPeerEnded = false
    private var isPaused = false
    private var awaited = Awaited.request
    private var requests: UInt32 = 0
    private var droppedBytes: UInt32 = 0
    /// The request that is being answered, and when it was whole; microseconds, cut to 32 bits.
    private var kind = RequestKind()
    private var beganMicroseconds: UInt32 = 0

    private(set) var deadline: UInt64
    var wheelSlot: Int?

    init(_ stream: any ByteStream, _ host: any ConnectionHost) {
        self.stream = stream
        self.host = host
        replies = host.replies
        auditor = host.auditor
        reader = RequestReader(limits: host.limits.http, shared: replies.shared)
        deadline = host.monotonicMilliseconds + host.limits.idleTimeoutMilliseconds
        host.deadlineCameNearer(self)
    }

    // MARK: What the stream says

    func received(_ bytes: Span<UInt8>) {
        host.metrics?.receivedBytes.add(bytes.count)
        switch phase {
        case .closed: return
        case .lingering: drop(bytes.count)
        case .answering: keep(bytes)
        case .reading:
            if isPaused {
                keep(bytes)
            } else if kept.isEmpty {
                let consumed = work(bytes)
                if consumed < bytes.count { kept.append(bytes, consumed..<bytes.count) }
            } else {
                kept.append(bytes, 0..<bytes.count)
                workOnKept()
            }
            settle()
        }
    }

    func receivedEnd() {
        hasPeerEnded = true
        switch phase {
        case .closed, .answering: return
        // What was sent before is still answered, once the client has read what is queued.
        case .reading where isPaused: return
        case .lingering, .reading: closeWhenWritten()
        }
    }

    func drained() {
        if phase == .closed { return }
        if isEnding, phase != .answering, !isPaused { return close() }
        if phase == .lingering { setLingerDeadline() }
        guard isPaused, phase == .reading else { return }
        isPaused = false
        workOnKept()
        settle()
    }

    func failed(_ failure: StreamFailure) { close() }

    func closed() {
        phase = .closed
        host.connectionClosed(self)
    }

    // MARK: Work

    /// Reads and answers as many requests as there are; returns how many bytes are done with.
    private func work(_ bytes: Span<UInt8>) -> Int {
        isWorking = true
        replies.isInUse = true
        defer {
            isWorking = false
            replies.isInUse = false
        }
        var offset = 0
        while phase == .reading, !isPaused, offset < bytes.count {
            switch reader.read(bytes, from: &offset) {
            case .incomplete:
                isBetweenRequests = reader.isBetweenRequests
                return offset
            case .continueExpected:
                isBetweenRequests = false
                replies.appendContinue()
            case .request(.input(let range)):
                isBetweenRequests = true
                handle(bytes.extracting(range))
            case .request(.assembled):
                isBetweenRequests = true
                handle(reader.assembled.span)
                reader.dropAssembled()
            case .refused(let error): refuse(Fault(error), bytes, offset)
            }
            pauseIfBackedUp()
        }
        return offset
    }

    private func workOnKept() {
        // Taken out while it is read: answers may be given, and new bytes kept, meanwhile.
        var bytes = kept
        kept = []
        let consumed = work(bytes.span)
        if consumed == bytes.count { return }  // and the memory goes
        bytes.removeFirst(consumed)
        kept = bytes
    }

    private func handle(_ request: Span<UInt8>) {
        phase = .answering
        awaited = .request
        deadline = .max
        let head = reader.head
        // Of a head that is the last one's repetition, all is known but what the answer has changed.
        if head.isRepeated {
            context.keepsAlive = head.keepsAlive
        } else {
            context = ReplyContext(head, request)
        }
        requests += 1
        if Int(requests) >= host.limits.requestsPerConnectionMax { context.keepsAlive = false }
        if auditor != nil || host.log?.isAccessLogged == true { takeNotes(head, request) }
        let route = host.handler.route(head, request)
        kind = RequestKind(route: route, method: RequestKind.MethodLabel(head.method))
        beganMicroseconds = host.turnBeganMicroseconds
        host.handler.handle(route, head, request, &session, self)
    }

    private func takeNotes(_ head: borrowing RequestHead, _ request: Span<UInt8>) {
        let notes = RequestNotes(interactionID: context.interactionID)
        notes.readTrace(head, request)
        self.notes = notes
    }

    /// Answers a request that cannot be read further, and ends the connection.
    private func refuse(_ fault: Fault, _ bytes: Span<UInt8>, _ offset: Int) {
        if reader.hasHead, !reader.isBetweenRequests {
            context =
                reader.assembled.isEmpty
                ? ReplyContext(reader.head, bytes.extracting(offset..<bytes.count))
                : ReplyContext(reader.head, reader.assembled.span)
        } else {
            context = ReplyContext()
        }
        context.keepsAlive = false
        kind = RequestKind()
        beganMicroseconds = host.turnBeganMicroseconds
        phase = .answering
        respond(.faults([fault]))
    }

    func exchanged(_ result: Result<IssuedToken, TokenError>, _ client: Client.Tag) {
        switch result {
        case .success(let token): respond(.token(token))
        case .failure(let error): respond(host.handler.response(to: error, client))
        }
    }

    var peerAddress: [UInt8] { stream.peerAddress }

    func respond(_ response: Response) {
        if phase == .closed { return }
        precondition(phase == .answering, "a request is answered once")
        precondition(
            isWorking || !replies.isInUse, "a store answers others outside of a request's handling")
        if host.isStopping { context.keepsAlive = false }
        let before = replies.count
        let ids = replies.append(response, context)
        host.metrics?.answered(response, kind, since: beganMicroseconds)
        if let auditor {
            auditor.answered(response, ids, notes) { stream.peerAddress }
        }
        if let log = host.log, log.isAccessLogged {
            log.answered(
                response, ids, kind, since: beganMicroseconds, bytes: replies.count - before,
                notes, stream.peerAddress)
        }
        notes = nil
        phase = context.keepsAlive ? .reading : .lingering
        if isWorking { return }
        // The store took its time: go on with what has come in since.
        if phase == .reading {
            pauseIfBackedUp()
            workOnKept()
        }
        settle()
    }

    // MARK: After work

    /// Hands the answers to the kernel and sees to what the connection waits for next.
    private func settle() {
        flush()
        switch phase {
        case .closed: return
        case .answering: pauseIfTooMuchIsKept()
        case .lingering: linger()
        case .reading:
            if isEnding, !isPaused { return closeWhenWritten() }
            if !isPaused { stream.resumeReading() }
            setReadDeadline()
        }
    }

    private func flush() {
        guard replies.count > 0 else { return }
        host.metrics?.sentBytes.add(replies.count)
        replies.take { stream.write($0) }
    }

    /// A client that does not read its answers is not read from.
    private func pauseIfBackedUp() {
        if replies.count >= host.limits.outputBytesMax { flush() }
        guard phase == .reading, !isPaused,
            stream.queuedBytes > host.limits.queuedBytesMax
        else { return }
        isPaused = true
        stream.pauseReading()
    }

    private func pauseIfTooMuchIsKept() {
        if kept.count > host.limits.keptBytesMax { stream.pauseReading() }
    }

    private func keep(_ bytes: Span<UInt8>) {
        kept.append(bytes, 0..<bytes.count)
        pauseIfTooMuchIsKept()
    }

    private func setReadDeadline() {
        let now = host.monotonicMilliseconds
        if isPaused {
            deadline = now + host.limits.writeTimeoutMilliseconds
            host.deadlineCameNearer(self)
        } else if isBetweenRequests {
            awaited = .request
            deadline = now + host.limits.idleTimeoutMilliseconds
            if wheelSlot == nil { host.deadlineCameNearer(self) }
        } else {
            let part = reader.hasHead ? Awaited.restOfBody : .restOfHead
            // Dripping bytes buys no time.
            guard awaited != part else { return }
            awaited = part
            deadline = now + timeoutMilliseconds(part)
            host.deadlineCameNearer(self)
        }
    }

    private func timeoutMilliseconds(_ part: Awaited) -> UInt64 {
        switch part {
        case .request: host.limits.idleTimeoutMilliseconds
        case .restOfHead: host.limits.headTimeoutMilliseconds
        case .restOfBody: host.limits.bodyTimeoutMilliseconds
        }
    }

    func deadlinePassed() {
        switch phase {
        case .reading where awaited != .request && !isPaused:
            let part = awaited == .restOfHead ? "head" : "body"
            let seconds = timeoutMilliseconds(awaited) / 1000
            let bytes = kept
            refuse(
                Fault(
                    .requestTimeout, "the \(part) of a request must come within \(seconds) s"),
                bytes.span, 0)
        case .reading, .lingering, .closed: giveUp()
        case .answering:
            preconditionFailure("a connection that owes an answer has no deadline")
        }
    }

    /// No further request is waited for.
    private var isEnding: Bool {
        hasPeerEnded || hasDroppedEnough
            || host.isStopping && phase == .reading && isBetweenRequests
    }

    /// The server stops: idle connections close, others after their next answer. One that was just in
    /// use may have a request on its way, which is answered too.
    func stop() {
        guard phase == .reading, isBetweenRequests, !isPaused else { return }
        let limits = host.limits
        let idleAt = deadline &- limits.idleTimeoutMilliseconds &+ limits.quietMilliseconds
        guard stream.queuedBytes == 0, idleAt > host.monotonicMilliseconds, idleAt < deadline
        else { return closeWhenWritten() }
        deadline = idleAt
        host.deadlineCameNearer(self)
    }

    /// Limits may be shorter now: the wheel has to look earlier.
    func limitsChanged() {
        if phase == .reading, isBetweenRequests, !isPaused {
            deadline = min(
                deadline, host.monotonicMilliseconds + host.limits.idleTimeoutMilliseconds)
        }
        host.deadlineCameNearer(self)
    }

    /// The server has waited long enough.
    func abort() { close() }

    // MARK: The end

    /// RFC 9112 §9.6: closing at once could reset the connection and take the answer with it.
    private func linger() {
        stream.finishSending()
        kept = []
        if hasPeerEnded { return closeWhenWritten() }
        stream.resumeReading()
        setLingerDeadline()
    }

    /// The client has as long as any other to read its answer, and then a little for its own bytes.
    private func setLingerDeadline() {
        let milliseconds =
            stream.queuedBytes > 0
            ? host.limits.writeTimeoutMilliseconds : host.limits.lingerTimeoutMilliseconds
        deadline = host.monotonicMilliseconds + milliseconds
        host.deadlineCameNearer(self)
    }

    private func drop(_ count: Int) {
        droppedBytes &+= UInt32(clamping: count)
        if hasDroppedEnough {
            stream.pauseReading()
            closeWhenWritten()
        }
    }

    private var hasDroppedEnough: Bool { Int(droppedBytes) > host.limits.lingerBytesMax }

    private func closeWhenWritten() {
        if stream.queuedBytes == 0 { return close() }
        deadline = host.monotonicMilliseconds + host.limits.writeTimeoutMilliseconds
        host.deadlineCameNearer(self)
    }

    /// A client that does not read would keep its answers in the kernel for many minutes more.
    private func giveUp() {
        phase = .closed
        if stream.queuedBytes > 0 { stream.reset() } else { stream.close() }
    }

    private func close() {
        phase = .closed
        stream.close()
    }
}
