// Between the threads that have something to say and the one that writes it: never waits, never
// grows beyond its bound, counts what it could not take.

import Synchronization

/// Any thread.
final class AuditQueue: Sendable {
    private struct State {
        var records: [AuditRecord] = []
        var dropped = 0
        var isClosed = false
    }
    private let state = Mutex(State())
    private let countMax: Int
    /// Events that will never be in the file.
    let lost = Atomic(0)

    init(countMax: Int) { self.countMax = countMax }

    enum Added {
        /// There is something to take now, and there was nothing before.
        case first
        case another
        case droppedAsFull
        case droppedAsClosed
    }

    func add(_ record: AuditRecord) -> Added {
        state.withLock { state in
            if state.isClosed { return .droppedAsClosed }
            guard state.records.count < countMax else {
                state.dropped += 1
                return .droppedAsFull
            }
            state.records.append(record)
            return state.records.count == 1 ? .first : .another
        }
    }

    /// Everything there is, and how many were dropped behind it.
    ///
    /// - Parameter spare: an empty array with the room of an earlier batch, so that adding seldom
    ///   allocates.
    func take(leaving spare: consuming [AuditRecord]) -> (records: [AuditRecord], dropped: Int) {
        let spare = spare
        return state.withLock { state in
            let taken = (state.records, state.dropped)
            state.records = spare
            state.dropped = 0
            return taken
        }
    }

    /// From now on everything is dropped.
    func close() {
        state.withLock { $0.isClosed = true }
    }

    var isClosed: Bool { state.withLock { $0.isClosed } }
}
