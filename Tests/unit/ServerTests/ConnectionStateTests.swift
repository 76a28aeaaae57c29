// The rules of `ConnectionState`, one row each: what has happened, what happens now, and what comes
// of it.

import Testing

@testable import Server

/// The state of one connection, and whether answers are queued.
struct StateLife {
    enum Step: Sendable {
        case event(ConnectionState.Event)
        /// Answers are in the queue from now on.
        case queued
    }

    private(set) var state: ConnectionState
    private(set) var isQueueEmpty = true

    init(isReady: Bool) {
        state = ConnectionState(isReady: isReady)
        _ = state.nextWait(isQueueEmpty: true)
    }

    @discardableResult
    mutating func happens(_ steps: [Step]) -> ConnectionState.Actions {
        var actions: ConnectionState.Actions = []
        for step in steps {
            switch step {
            case .queued: isQueueEmpty = false
            case .event(let event):
                if event == .drained { isQueueEmpty = true }
                actions = state.happened(event, isQueueEmpty: isQueueEmpty)
                // Behind the others `settled` follows.
                if !event.isAmidRequests { _ = state.nextWait(isQueueEmpty: isQueueEmpty) }
            }
        }
        return actions
    }
}

extension ConnectionState.Event {
    var isAmidRequests: Bool {
        switch self {
        case .requestRead, .refused, .bytesEnded, .answered, .tooMuchQueued, .tooMuchKept,
            .budgetSpent:
            true
        case .becameReady, .nextTurnCame, .settled, .drained, .peerEnded, .droppedEnough,
            .deadlinePassed, .serverStops, .placeNeeded, .aborted, .failed, .closed:
            false
        }
    }
}

struct StateRow: Sendable, CustomTestStringConvertible {
    typealias Step = StateLife.Step
    let before: [Step]
    let now: ConnectionState.Event
    let actions: ConnectionState.Actions
    let phase: ConnectionState.Phase
    let wait: ConnectionState.Wait

    init(
        _ before: [Step], _ now: ConnectionState.Event, _ actions: ConnectionState.Actions,
        _ phase: ConnectionState.Phase, _ wait: ConnectionState.Wait = .nothing
    ) {
        (self.before, self.now, self.actions) = (before, now, actions)
        (self.phase, self.wait) = (phase, wait)
    }

    var testDescription: String { "\(before), then \(now)" }
}

@Suite struct ConnectionStateTests {
    typealias Step = StateLife.Step
    private static let idle: [Step] = []
    private static let asked: [Step] = [.event(.requestRead), .event(.settled)]
    private static let answered: [Step] = [
        .event(.requestRead), .event(.answered(isLast: false)), .event(.settled),
    ]
    private static let inHead: [Step] = [.event(.bytesEnded(.head)), .event(.settled)]
    private static let inBody: [Step] = [.event(.bytesEnded(.body)), .event(.settled)]
    private static let lingering: [Step] = [.event(.refused), .event(.answered(isLast: true))]
    private static let lingeringUnread: [Step] = lingering + [.queued, .event(.settled)]
    private static let unread: [Step] = [.queued, .event(.settled)]
    private static let backedUp: [Step] = [
        .event(.requestRead), .event(.answered(isLast: false)), .queued, .event(.tooMuchQueued),
        .event(.settled),
    ]
    private static let postponed: [Step] = [.event(.budgetSpent), .event(.settled)]
    private static let ended: [Step] = [.event(.peerEnded)]
    private static let stopped: [Step] = [.event(.serverStops(isQuiet: false))]
    private static let late = ConnectionState.Event.deadlinePassed(hasProgressed: false)
    private static let readsOn = ConnectionState.Event.deadlinePassed(hasProgressed: true)

    private func check(_ row: StateRow, isReady: Bool = true) {
        var life = StateLife(isReady: isReady)
        life.happens(row.before)
        #expect(life.happens([.event(row.now)]) == row.actions)
        #expect(life.state.phase == row.phase)
        #expect(life.state.waiting == row.wait)
    }

    @Test(arguments: [
        StateRow(idle, .settled, .resumeReading, .reading, .request),
        StateRow([.event(.requestRead)], .settled, [], .answering),
        StateRow(asked, .tooMuchKept, .pauseReading, .answering),
        StateRow(asked, .drained, [], .answering), StateRow(asked, late, [], .answering),
        StateRow(asked, .placeNeeded, [], .answering),
        StateRow(
            asked + [.event(.answered(isLast: false))], .settled, .resumeReading, .reading, .request
        ),
        StateRow(idle, .placeNeeded, .close, .closed),
        StateRow(inHead, .placeNeeded, [], .reading, .restOfHead),
    ])
    func oneRequestIsAnsweredAtATime(row: StateRow) { check(row) }

    @Test(arguments: [
        StateRow(lingering, .settled, [.finishSending, .resumeReading], .lingering, .lastBytes),
        StateRow(lingering + [.event(.settled)], .settled, .resumeReading, .lingering, .lastBytes),
        StateRow(lingering + [.event(.settled)], .peerEnded, .close, .closed),
        StateRow(lingering + [.event(.settled)], .droppedEnough, [.close, .pauseReading], .closed),
        StateRow(lingering + [.event(.settled)], late, .close, .closed),
        StateRow(
            lingering + [.queued], .settled, [.finishSending, .resumeReading], .lingering,
            .unreadAnswers),
        StateRow(lingeringUnread, .drained, [], .lingering, .lastBytes),
        StateRow(lingeringUnread, .peerEnded, [], .lingering, .unreadAnswers),
        StateRow(lingeringUnread + ended, .settled, [], .lingering, .unreadAnswers),
        StateRow(lingeringUnread + ended, .drained, .close, .closed),
        StateRow(lingeringUnread, .droppedEnough, .pauseReading, .lingering, .unreadAnswers),
        StateRow(
            lingeringUnread + [.event(.droppedEnough)], .settled, [], .lingering, .unreadAnswers),
        StateRow(lingeringUnread + [.event(.droppedEnough)], .drained, .close, .closed),
        StateRow(lingeringUnread, .placeNeeded, [], .lingering, .unreadAnswers),
    ])
    func lastAnswerHasTimeToArrive(row: StateRow) { check(row) }

    @Test(arguments: [
        StateRow(
            asked + [.event(.answered(isLast: false)), .queued], .tooMuchQueued, .pauseReading,
            .reading),
        StateRow(backedUp, .settled, [], .reading, .unreadAnswers),
        StateRow(backedUp, .tooMuchKept, .pauseReading, .reading, .unreadAnswers),
        StateRow(backedUp, .peerEnded, [], .reading, .unreadAnswers),
        StateRow(backedUp, .drained, .readKept, .reading, .request),
        StateRow(backedUp + ended, .drained, .readKept, .reading, .request),
        StateRow(backedUp + ended + [.event(.drained)], .settled, .close, .closed),
        StateRow(backedUp, late, .reset, .closed),
        StateRow(backedUp, readsOn, [], .reading, .unreadAnswers),
        StateRow(lingeringUnread, late, .reset, .closed),
        StateRow(lingeringUnread, readsOn, [], .lingering, .unreadAnswers),
        // Fewer answers than would stop it are waited for just the same.
        StateRow(answered + unread, late, .reset, .closed),
        StateRow(answered + unread, readsOn, [], .reading, .unreadAnswers),
        StateRow(answered + unread, .placeNeeded, [], .reading, .unreadAnswers),
        StateRow(answered + unread, .drained, [], .reading, .request),
        StateRow(
            answered + unread + [.event(.bytesEnded(.head))], .settled, .resumeReading, .reading,
            .restOfHead),
        StateRow(answered + unread + inHead, .drained, [], .reading, .restOfHead),
    ])
    func whoDoesNotReadIsWaitedForAndThenReset(row: StateRow) { check(row) }

    @Test(arguments: [
        StateRow(idle, .budgetSpent, [.pauseReading, .awaitNextTurn], .reading, .request),
        StateRow([.event(.budgetSpent)], .settled, [], .reading),
        StateRow(postponed, .tooMuchKept, .pauseReading, .reading),
        StateRow(postponed, .nextTurnCame, .readKept, .reading, .request),
        StateRow(postponed, .peerEnded, [], .reading),
        StateRow(postponed + ended, .nextTurnCame, .readKept, .reading, .request),
        StateRow(postponed + ended + [.event(.nextTurnCame)], .settled, .close, .closed),
        StateRow(postponed + ended + [.queued], .drained, [], .reading),
        StateRow(postponed, .serverStops(isQuiet: true), [], .reading),
        StateRow(postponed, .placeNeeded, [], .reading),
        StateRow(postponed, late, [], .reading),
        // The time of a part goes on, however many turns it takes.
        StateRow(inHead + [.event(.budgetSpent)], .settled, [], .reading, .restOfHead),
        StateRow(inHead + postponed, late, [], .reading),
        StateRow(inBody + postponed, .nextTurnCame, .readKept, .reading, .restOfBody),
    ])
    func whoAsksWithoutEndWaitsForTheNextTurn(row: StateRow) { check(row) }

    @Test(arguments: [
        StateRow(idle, .peerEnded, .close, .closed),
        StateRow(inHead, .peerEnded, .close, .closed),
        StateRow(asked, .peerEnded, [], .answering),
        StateRow(asked + ended + [.event(.answered(isLast: false))], .settled, .close, .closed),
        StateRow(
            asked + ended + [.event(.answered(isLast: true))], .settled, [.finishSending, .close],
            .closed),
        StateRow(
            asked + ended + [.event(.answered(isLast: false)), .queued], .settled, [], .reading,
            .unreadAnswers),
        StateRow(
            asked + ended + [.event(.answered(isLast: false))] + unread, .drained, .close, .closed),
        StateRow(inHead + [.queued], .peerEnded, [], .reading, .unreadAnswers),
    ])
    func whoHasSentAllGetsAllAnswers(row: StateRow) { check(row) }

    @Test(arguments: [
        StateRow(idle, .serverStops(isQuiet: true), .close, .closed),
        StateRow(answered, .serverStops(isQuiet: false), [], .reading, .lastRequest),
        StateRow(stopped, late, .close, .closed),
        StateRow(stopped, .placeNeeded, .close, .closed),
        StateRow(
            stopped + [.event(.bytesEnded(.head))], .settled, .resumeReading, .reading, .restOfHead),
        StateRow(stopped + asked + [.event(.answered(isLast: false))], .settled, .close, .closed),
        StateRow(inBody, .serverStops(isQuiet: true), [], .reading, .restOfBody),
        StateRow(inBody + stopped, late, .answerTimeout, .reading, .restOfBody),
        StateRow(asked, .serverStops(isQuiet: true), [], .answering),
        StateRow(
            lingering + [.event(.settled)], .serverStops(isQuiet: true), [], .lingering, .lastBytes),
        StateRow(answered + unread, .serverStops(isQuiet: true), [], .reading, .unreadAnswers),
        StateRow(answered + unread + stopped, .drained, .close, .closed),
        StateRow(backedUp + stopped, .drained, .readKept, .reading, .lastRequest),
    ])
    func stoppingServerEndsWhatIsIdleAndAnswersTheRest(row: StateRow) { check(row) }

    @Test(arguments: [
        StateRow(idle, .becameReady, [], .reading, .request),
        StateRow(idle, late, .reset, .closed), StateRow(idle, .peerEnded, .close, .closed),
        StateRow(idle, .placeNeeded, .close, .closed),
        StateRow(idle, .settled, [], .handshaking, .handshake),
        StateRow([.queued], .drained, [], .handshaking, .handshake),
        StateRow(idle, .serverStops(isQuiet: false), [], .handshaking, .lastHandshake),
        StateRow(stopped, .becameReady, [], .reading, .lastRequest),
        StateRow(stopped, late, .close, .closed),
        StateRow(idle, .serverStops(isQuiet: true), .close, .closed),
        // What a handshake has in the queue is no answer.
        StateRow([.queued], .serverStops(isQuiet: true), .close, .closed),
        StateRow([.queued], .peerEnded, .close, .closed),
    ])
    func handshakeIsNoRequest(row: StateRow) { check(row, isReady: false) }

    @Test(arguments: [
        StateRow(idle, late, .close, .closed),
        StateRow(inHead, late, .answerTimeout, .reading, .restOfHead),
        StateRow(inBody, late, .answerTimeout, .reading, .restOfBody),
    ])
    func eachWaitEndsInItsOwnWay(row: StateRow) { check(row) }

    @Test(arguments: [
        idle, asked, inHead, inBody, lingering, lingeringUnread, backedUp, postponed, ended,
        stopped,
    ])
    func failureAndAbortEndEverything(before: [Step]) {
        for isReady in [true, false] where isReady || before.isEmpty {
            for event in [ConnectionState.Event.failed, .aborted, .closed] {
                var life = StateLife(isReady: isReady)
                life.happens(before)
                let isOpen = life.state.phase != .closed && event != .closed
                #expect(life.happens([.event(event)]) == (isOpen ? .close : []))
                #expect(life.state.phase == .closed && life.state.waiting == .nothing)
            }
        }
    }

    /// The time of a part begins with its first byte; more of it does not extend it.
    @Test func timeIsGivenOncePerPart() {
        var life = StateLife(isReady: true)
        var began: [ConnectionState.Wait] = []
        let parts: [ConnectionState.Part] = [
            .head, .head, .body, .body, .nothing, .head, .head, .nothing, .head,
        ]
        for part in parts {
            life.happens([part == .nothing ? .event(.requestRead) : .event(.bytesEnded(part))])
            if part == .nothing { life.happens([.event(.answered(isLast: false))]) }
            if let wait = life.settles() { began.append(wait) }
        }
        #expect(began == [.restOfHead, .restOfBody, .request, .restOfHead, .request, .restOfHead])
    }
}

extension StateLife {
    /// What the connection waits for from now on, where that has a time that begins now.
    mutating func settles() -> ConnectionState.Wait? {
        _ = state.happened(.settled, isQueueEmpty: isQueueEmpty)
        return state.nextWait(isQueueEmpty: isQueueEmpty)
    }
}
