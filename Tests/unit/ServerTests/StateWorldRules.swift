// What is held true of a state, whatever happens to it.

@testable import Server

extension StateWorld {
    func perform(
        _ actions: ConnectionState.Actions, _ event: ConnectionState.Event,
        _ before: ConnectionState
    ) {
        if actions.isEmpty { return }
        check(before.phase != .closed, "nothing is done behind the end")
        if actions.contains(.finishSending) {
            check(!hasFinishedSending, "sending is finished once")
            check(isLastWritten || event == .settled, "sending is finished behind the last answer")
            hasFinishedSending = true
            kept = []
        }
        if actions.contains(.pauseReading) { isReading = false }
        if actions.contains(.resumeReading) {
            check(!isEndGiven, "nobody is read from who has ended")
            check(state.isParsing || state.phase == .lingering, "who is read from is listened to")
            isReading = true
        }
        if actions.contains(.awaitNextTurn) {
            check(!isTurnAwaited, "one turn is waited for at a time")
            isTurnAwaited = true
        }
        if actions.contains(.close) { closed(event, before) }
        if actions.contains(.reset) { reset(event, before) }
        if actions.contains(.readKept) {
            check(state.isParsing, "what is kept is read where it may be")
            workOnKept()
            settle()
        }
        if actions.contains(.answerTimeout) { timedOut() }
    }

    func timedOut() {
        check(state.phase == .reading && open != .nothing, "408 is for a part of a request")
        check(!isTurnAwaited, "408 is not for what the server has not looked at")
        let limit = limits.milliseconds(for: open == .body ? .restOfBody : .restOfHead) ?? 0
        check(now - partBegan == limit, "408 after \(now - partBegan) ms")
        refuse()
    }

    func closed(_ event: ConnectionState.Event, _ before: ConnectionState) {
        check(!isStreamClosed, "a stream is closed once")
        isStreamClosed = true
        switch event {
        case .failed, .aborted: return
        case .deadlinePassed:
            let limit = limits.milliseconds(for: before.waiting) ?? .max
            let isLastOne = [.lastRequest, .lastHandshake].contains(before.waiting)
            check(now - (isLastOne ? idleSince : waitBegan) >= limit, "closed early")
            if before.waiting == .request { check(now - activeAt >= limit, "closed in use") }
        case .placeNeeded: check(before.isIdle, "only idle ones make room")
        case .serverStops:
            check(open == .nothing && !isTurnAwaited, "a request that has begun may end")
        case .becameReady, .requestRead, .refused, .bytesEnded, .answered, .tooMuchQueued,
            .tooMuchKept, .budgetSpent, .nextTurnCame, .settled, .drained, .peerEnded,
            .droppedEnough, .closed:
            break
        }
        check(!owesAnswer, "closed, owing an answer")
        check(queue == 0 || before.phase == .handshaking, "closed before all was written")
        if !isLastWritten {
            let isUnanswered = kept.contains {
                switch $0 {
                case .request, .lastRequest: true
                case .bad, .emptyLine, .head, .endOfHead, .more: false
                }
            }
            check(!isUnanswered, "closed, and a request unread")
        }
    }

    func reset(_ event: ConnectionState.Event, _ before: ConnectionState) {
        check(!isStreamClosed, "a stream is closed once")
        isStreamClosed = true
        check(event == .deadlinePassed(hasProgressed: false), "only time resets")
        if before.phase == .handshaking { return }
        check(queue > 0, "who has read all is not reset")
        check(
            now - readAt >= limits.writeTimeoutMilliseconds,
            "reset \(now - readAt) ms after the client has read")
    }

    /// After each thing that happens.
    func inspect() {
        check(output == 0, "answers are left behind")
        check(kept.count <= Bound.kept + Bound.delivered, "\(kept.count) pieces are kept")
        check(
            queue <= Bound.queued + 2 * 5 + 1, "\(queue) units are queued")
        if state.phase == .closed {
            check(isStreamClosed, "who is closed has closed")
            return check(state.waiting == .nothing, "who is closed waits for nothing")
        }
        if owesAnswer {
            return check(state.waiting == .nothing, "no time runs where an answer is owed")
        }
        if isTurnAwaited { return }
        check(state.waiting != .nothing && deadline != .max, "who waits has a time limit")
        check(
            isReading || isEndGiven || queue > 0, "who waits for nothing else reads")
    }
}
