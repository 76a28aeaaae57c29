// Every state that a connection can come to, and from each of them everything that may happen next.

import Testing

@testable import Server

/// A state, and what of its surroundings decides what may happen next.
private struct Place {
    var state = ConnectionState(isReady: true)
    var isQueueEmpty = true
    var isReading = true
    var isTurnAwaited = false
    var hasPeerEnded = false
    var hasFinishedSending = false
    /// Amid what has come; `settled` follows.
    var isAmid = false
    /// What has led here.
    var events: [ConnectionState.Event] = []

    var key: String {
        "\(state) \(isQueueEmpty) \(isReading) \(isTurnAwaited) \(hasPeerEnded) \(isAmid)"
    }

    /// Events that the connection may tell of here.
    var next: [ConnectionState.Event] {
        let ends: [ConnectionState.Event] = [.aborted, .failed, .closed]
        switch state.phase {
        case .closed: return Place.all
        case .handshaking: return loopEvents + ends + [.becameReady]
        case .answering:
            return ends + [.answered(isLast: false), .answered(isLast: true), .tooMuchKept]
                + (isAmid ? [.settled] : loopEvents)
        case .lingering: return ends + [.settled, .droppedEnough] + (isAmid ? [] : loopEvents)
        case .reading:
            var next = ends + [.settled]
            if state.isParsing {
                next += [.requestRead, .refused, .budgetSpent]
                next += ConnectionState.Part.allCases.map { .bytesEnded($0) }
                if !isQueueEmpty { next.append(.tooMuchQueued) }
            } else {
                next.append(.tooMuchKept)
            }
            return isAmid ? next : next + loopEvents
        }
    }

    /// What does not come from inside of a read.
    private var loopEvents: [ConnectionState.Event] {
        var next: [ConnectionState.Event] = [
            .deadlinePassed(hasProgressed: false), .deadlinePassed(hasProgressed: true),
            .placeNeeded,
        ]
        if !state.isStopping {
            next += [.serverStops(isQuiet: false), .serverStops(isQuiet: true)]
        }
        if !isQueueEmpty { next.append(.drained) }
        if isReading, !hasPeerEnded { next.append(.peerEnded) }
        if isTurnAwaited { next.append(.nextTurnCame) }
        return next
    }

    private static let all: [ConnectionState.Event] = [
        .becameReady, .requestRead, .refused, .bytesEnded(.head), .bytesEnded(.nothing),
        .answered(isLast: false), .answered(isLast: true), .tooMuchQueued, .tooMuchKept,
        .budgetSpent, .nextTurnCame, .settled, .drained, .peerEnded, .droppedEnough,
        .deadlinePassed(hasProgressed: false), .deadlinePassed(hasProgressed: true),
        .serverStops(isQuiet: true), .serverStops(isQuiet: false), .placeNeeded, .aborted, .failed,
        .closed,
    ]
}

extension ConnectionState.Event {
    /// An answer, or `100 Continue`.
    fileprivate var mayWrite: Bool {
        switch self {
        case .answered, .bytesEnded(.body): true
        default: false
        }
    }
}

@Suite struct ConnectionStateWalkTests {
    private typealias Actions = ConnectionState.Actions

    @Test func everyStateThatCanBeReachedKeepsTheRules() {
        var places: [Place] = []
        for isReady in [true, false] {
            for isQueueEmpty in [true, false] where isQueueEmpty || !isReady {
                var place = Place(
                    state: ConnectionState(isReady: isReady), isQueueEmpty: isQueueEmpty)
                _ = place.state.nextWait(isQueueEmpty: isQueueEmpty)
                places.append(place)
            }
        }
        var seen = Set(places.map(\.key))
        var told: [ConnectionState.Phase: Set<String>] = [:]
        while let place = places.popLast() {
            for event in place.next {
                let name = "\(event)".prefix { $0 != "(" }
                told[place.state.phase, default: []].insert(String(name))
                for next in follow(place, event) where seen.insert(next.key).inserted {
                    places.append(next)
                }
            }
        }
        print("ConnectionStateWalkTests: \(seen.count) places")
        #expect(seen.count > 500)
        let everywhere: Set = [
            "deadlinePassed", "placeNeeded", "serverStops", "drained", "peerEnded", "aborted",
            "failed", "closed",
        ]
        #expect(told[.handshaking] == everywhere.union(["becameReady"]))
        #expect(told[.answering] == everywhere.union(["answered", "tooMuchKept", "settled"]))
        #expect(told[.lingering] == everywhere.union(["settled", "droppedEnough"]))
        #expect(
            told[.reading]
                == everywhere.union([
                    "requestRead", "refused", "bytesEnded", "settled", "tooMuchQueued",
                    "tooMuchKept", "budgetSpent", "nextTurnCame",
                ]))
    }

    /// Where an event leads: with the queue as it is, and where something was written, filled.
    private func follow(_ place: Place, _ event: ConnectionState.Event) -> [Place] {
        var next = place
        next.events.append(event)
        if event == .drained { next.isQueueEmpty = true }
        if event == .peerEnded { next.hasPeerEnded = true }
        if event == .nextTurnCame { next.isTurnAwaited = false }
        let actions = next.state.happened(event, isQueueEmpty: next.isQueueEmpty)
        check(actions, of: event, at: place, &next)
        // Kept bytes, and an answer that time has called for, are gone through before anything else.
        let isAmid = event.isAmidRequests || !actions.isDisjoint(with: [.readKept, .answerTimeout])
        next.isAmid = isAmid && next.state.phase != .closed
        if !next.isAmid { checkWait(&next) }
        guard place.state.phase != .closed, event.mayWrite else { return [next] }
        var filled = next
        filled.isQueueEmpty = false
        return [next, filled]
    }

    private func check(
        _ actions: Actions, of event: ConnectionState.Event, at place: Place, _ next: inout Place
    ) {
        let story = "\(next.events)"
        if place.state.phase == .closed {
            #expect(actions.isEmpty && next.state.phase == .closed, "closed is final: \(story)")
            return
        }
        let ends = actions.intersection([.close, .reset])
        #expect(ends != [.close, .reset], "\(story)")
        #expect((next.state.phase == .closed) == (!ends.isEmpty || event == .closed), "\(story)")
        if actions.contains(.resumeReading) {
            #expect(!place.hasPeerEnded && !actions.contains(.pauseReading), "\(story)")
            next.isReading = true
        }
        if actions.contains(.pauseReading) { next.isReading = false }
        if actions.contains(.awaitNextTurn) {
            #expect(!place.isTurnAwaited, "\(story)")
            next.isTurnAwaited = true
        }
        if actions.contains(.readKept) { #expect(next.state.isParsing, "\(story)") }
        if actions.contains(.finishSending) {
            #expect(!place.hasFinishedSending && next.state.phase != .reading, "\(story)")
            next.hasFinishedSending = true
        }
        if actions.contains(.answerTimeout) {
            #expect(next.state.phase == .reading && next.state.part != .nothing, "\(story)")
        }
    }

    private func checkWait(_ next: inout Place) {
        _ = next.state.nextWait(isQueueEmpty: next.isQueueEmpty)
        let story = "\(next.events)"
        let waiting = next.state.waiting
        switch next.state.phase {
        case .closed: #expect(waiting == .nothing, "\(story)")
        case .answering:
            #expect(waiting == .nothing, "no time runs where an answer is owed: \(story)")
        case .handshaking, .reading, .lingering:
            if next.isTurnAwaited { return }
            #expect(waiting != .nothing, "who waits has a time limit: \(story)")
            #expect(
                next.isReading || next.hasPeerEnded || !next.isQueueEmpty,
                "who waits for nothing else reads: \(story)")
        }
    }
}
