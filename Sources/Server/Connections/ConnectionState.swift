// What a connection does next: events in, actions out. Nothing is done here, no clock is read, no
// byte is seen; `Connection` performs, and the tests drive this value through a million lives.
//
// The rules:
//
// 1. One request at a time. The next is read when the last one's answer is written, so answers come
//    in order however long the store takes.
// 2. An answer that closes is the last. What the client still sends is read and dropped for a while:
//    closing at once could reset the connection and take the answer with it (RFC 9112 §9.6).
// 3. A client that does not read its answers is not read from. As long as it reads at all it has
//    time; then the connection is reset.
// 4. A client that asks without end has a budget in each turn of the loop. The rest waits for the
//    next turn, behind everybody else.
// 5. A client that has sent all it will send gets the answers to all of it.
// 6. When the server stops, an idle connection closes, one that came or was in use a moment ago may ask
//    once more, and every answer is the last.
// 7. A connection waits for one thing at a time, and each has a time limit of its own: see `Wait`.
//    Only an answer that the server owes has none.
// 8. Closing is a state: after it nothing happens but the stream's last call.

/// The state of one connection. A value.
struct ConnectionState: Equatable, Sendable {
    enum Phase: UInt8, CaseIterable, Sendable {
        /// The stream is not ready yet.
        case handshaking
        /// Between requests or inside one.
        case reading
        /// The handler has a request and owes the answer.
        case answering
        /// The last answer is out; what still comes in is dropped until the client closes.
        case lingering
        case closed
    }

    /// How much has come of the next request.
    enum Part: UInt8, CaseIterable, Sendable {
        case nothing, head, body
    }

    /// What a connection waits for, and so what its deadline is for.
    enum Wait: UInt8, CaseIterable, Sendable {
        case nothing
        case handshake
        /// The rest of a handshake that was under way when the server was told to stop.
        case lastHandshake
        /// The next request. Then it closes without a word.
        case request
        /// A request that was on its way when the server was told to stop.
        case lastRequest
        /// The rest of a head, or of a body: late is 408. Bytes that come slowly do not extend it.
        case restOfHead, restOfBody
        /// The client has answers to read. Each progress extends it.
        case unreadAnswers
        /// What the client sends behind its last answer.
        case lastBytes
    }

    enum Event: Equatable, Sendable {
        /// The stream is ready.
        case becameReady
        /// A whole request has been read; the handler gets it.
        case requestRead
        /// What has come cannot be read as a request; it is answered, and that is the last answer.
        case refused
        /// The bytes that have come end here.
        case bytesEnded(Part)
        /// The answer is written.
        case answered(isLast: Bool)
        /// More answers wait for the client than may.
        case tooMuchQueued
        /// More bytes wait behind an open request than may.
        case tooMuchKept
        case budgetSpent
        case nextTurnCame
        /// All that could be done with what has come is done.
        case settled
        /// The kernel has taken everything that was queued.
        case drained
        case peerEnded
        /// The client has sent too much behind its last answer.
        case droppedEnough
        /// - Parameter hasProgressed: the client has read something since the wait began.
        case deadlinePassed(hasProgressed: Bool)
        /// - Parameter isQuiet: nothing has come for a while.
        case serverStops(isQuiet: Bool)
        /// Another client needs the place of an idle one.
        case placeNeeded
        /// The server has waited long enough.
        case aborted
        case failed
        /// The stream's last call.
        case closed
    }

    struct Actions: OptionSet, Sendable {
        let rawValue: UInt16

        static let pauseReading = Actions(rawValue: 1)
        static let resumeReading = Actions(rawValue: 2)
        static let finishSending = Actions(rawValue: 4)
        /// Go on in the loop's next turn.
        static let awaitNextTurn = Actions(rawValue: 8)
        /// Go on with the bytes that were kept.
        static let readKept = Actions(rawValue: 16)
        /// Answer 408 for the part that has not come.
        static let answerTimeout = Actions(rawValue: 32)
        static let close = Actions(rawValue: 64)
        /// Close, and take back what the client has not read.
        static let reset = Actions(rawValue: 128)
    }

    private(set) var phase: Phase
    private(set) var part = Part.nothing
    /// What the running deadline is for.
    private(set) var waiting = Wait.nothing
    private(set) var isStopping = false
    private var hasPeerEnded = false
    private var hasDroppedEnough = false
    private var hasFinishedSending = false
    /// The client must read before it is read from.
    private var isBackedUp = false
    /// The rest waits for the next turn.
    private var isPostponed = false

    init(isReady: Bool) {
        phase = isReady ? .reading : .handshaking
    }

    /// Bytes are to be read as requests now.
    var isParsing: Bool { phase == .reading && !isBackedUp && !isPostponed }

    /// No further request is waited for.
    private var isEnding: Bool {
        hasPeerEnded || hasDroppedEnough || isStopping && phase == .reading && part == .nothing
    }

    /// It is between requests, and may make room for another client.
    var isIdle: Bool {
        switch phase {
        case .handshaking: true
        case .reading: isParsing && part == .nothing
        case .answering, .lingering, .closed: false
        }
    }
}

// MARK: Events

extension ConnectionState {
    /// - Parameter isQueueEmpty: the kernel has taken every answer.
    mutating func happened(_ event: Event, isQueueEmpty: Bool) -> Actions {
        if phase == .closed { return [] }
        switch event {
        case .becameReady:
            if phase == .handshaking { phase = .reading }
        case .requestRead:
            precondition(isParsing, "a request is read where none is being answered")
            (phase, part) = (.answering, .nothing)
            // It has come; the next one has a time of its own.
            waiting = .nothing
        case .refused:
            precondition(phase == .reading, "what is refused was being read")
            (phase, part) = (.answering, .nothing)
        case .bytesEnded(let part):
            if phase == .reading { self.part = part }
        case .answered(let isLast):
            precondition(phase == .answering, "a request is answered once")
            phase = isLast ? .lingering : .reading
        case .tooMuchQueued:
            guard phase == .reading else { break }
            isBackedUp = true
            return .pauseReading
        case .tooMuchKept: return .pauseReading
        case .budgetSpent:
            isPostponed = true
            return [.pauseReading, .awaitNextTurn]
        case .nextTurnCame:
            isPostponed = false
            return isParsing ? .readKept : []
        case .settled: return settled(isQueueEmpty)
        case .drained: return drained()
        case .peerEnded: return peerEnded(isQueueEmpty)
        case .droppedEnough:
            hasDroppedEnough = true
            return endWhenWritten(isQueueEmpty).union(.pauseReading)
        case .deadlinePassed(let hasProgressed): return deadlinePassed(hasProgressed)
        case .serverStops(let isQuiet):
            isStopping = true
            // A request stands behind a handshake. What that has in the queue is no answer.
            if phase == .handshaking { return isQuiet ? end(with: .close) : [] }
            return isIdle && isQuiet ? endWhenWritten(isQueueEmpty) : []
        case .placeNeeded: return isIdle ? endWhenWritten(isQueueEmpty) : []
        case .aborted, .failed: return end(with: .close)
        case .closed: phase = .closed
        }
        return []
    }

    private mutating func settled(_ isQueueEmpty: Bool) -> Actions {
        switch phase {
        case .handshaking, .answering, .closed: return []
        case .lingering:
            let first: Actions = hasFinishedSending ? [] : .finishSending
            hasFinishedSending = true
            if isEnding { return endWhenWritten(isQueueEmpty).union(first) }
            return first.union(.resumeReading)
        case .reading:
            if !isParsing { return [] }
            return isEnding ? endWhenWritten(isQueueEmpty) : .resumeReading
        }
    }

    private mutating func drained() -> Actions {
        switch phase {
        case .handshaking, .answering, .closed: return []
        case .lingering: return isEnding ? end(with: .close) : []
        case .reading:
            if isBackedUp {
                isBackedUp = false
                return isParsing ? .readKept : []
            }
            return isEnding && !isPostponed ? end(with: .close) : []
        }
    }

    private mutating func peerEnded(_ isQueueEmpty: Bool) -> Actions {
        hasPeerEnded = true
        switch phase {
        case .handshaking: return end(with: .close)
        case .answering, .closed: return []
        case .lingering: return endWhenWritten(isQueueEmpty)
        // What was sent before is still answered, once the client has read what is queued.
        case .reading: return isParsing ? endWhenWritten(isQueueEmpty) : []
        }
    }

    private mutating func deadlinePassed(_ hasProgressed: Bool) -> Actions {
        if isPostponed {
            // What it waits for may be among what has come.
            waiting = .nothing
            return []
        }
        switch waiting {
        case .nothing: return []
        case .handshake: return end(with: .reset)
        case .restOfHead, .restOfBody: return .answerTimeout
        case .request, .lastHandshake, .lastRequest, .lastBytes: return end(with: .close)
        // A client that does not read would keep its answers in the kernel for many minutes more.
        case .unreadAnswers:
            guard hasProgressed else { return end(with: .reset) }
            waiting = .nothing
            return []
        }
    }

    private mutating func endWhenWritten(_ isQueueEmpty: Bool) -> Actions {
        isQueueEmpty ? end(with: .close) : []
    }

    private mutating func end(with action: Actions) -> Actions {
        phase = .closed
        return action
    }
}

// MARK: Deadlines

extension ConnectionState {
    /// What the connection waits for from now on, where that has a time that begins now; nil where
    /// the time that runs goes on. For the end of every event.
    mutating func nextWait(isQueueEmpty: Bool) -> Wait? {
        let next = wait(isQueueEmpty)
        if next == waiting { return nil }
        waiting = next
        return next
    }

    private func wait(_ isQueueEmpty: Bool) -> Wait {
        switch phase {
        case .handshaking: return isStopping ? .lastHandshake : .handshake
        case .answering, .closed: return .nothing
        case .lingering: return isQueueEmpty ? .lastBytes : .unreadAnswers
        case .reading:
            // The time of a part goes on, however many turns it takes.
            if isPostponed { return part == .nothing ? .nothing : waiting }
            let isBetween = isEnding || part == .nothing
            if isBackedUp || isBetween && !isQueueEmpty { return .unreadAnswers }
            switch part {
            case .nothing: return isStopping ? .lastRequest : .request
            case .head: return .restOfHead
            case .body: return .restOfBody
            }
        }
    }
}
