// Between the threads that have something to say and the one that writes it: never waits, never
// grows beyond its bound, counts what it could not take.

import Synchronization

/// Any thread.
final class AuditQueue: Sendable {
    private struct State {
        var records: [AuditRecord] = []
        /// All that were ever added.
        var added = 0
        /// An answer waits for one of the records.
        var isAwaited = false
        var dropped = 0
        var isClosed = false
        var isLookWanted = false
    }
    private let state = Mutex(State())
    private let countMax: Int
    /// Events that will never be in the file.
    let lost = Atomic(0)
    /// Lines cannot be put on disk.
    let isFailing = Atomic(false)
    /// Of the loops that are told how it went.
    private let mailboxes = Mutex<[AuditMailbox]>([])
    /// How often the file was not at its path.
    let losses = Atomic(0)

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
            state.added += 1
            return state.records.count == 1 ? .first : .another
        }
    }

    /// Adds a record that an answer waits for.
    ///
    /// - Returns: its number in the order of adding, and whether nobody else's answer waits yet; nil
    ///   where it was not taken.
    func addAwaited(_ record: AuditRecord) -> (number: Int, isFirst: Bool)? {
        state.withLock { state in
            guard !state.isClosed, state.records.count < countMax else {
                state.dropped += 1
                return nil
            }
            state.records.append(record)
            state.added += 1
            defer { state.isAwaited = true }
            return (state.added, !state.isAwaited)
        }
    }

    var isAwaited: Bool { state.withLock { $0.isAwaited } }

    /// What is taken at a time.
    struct Batch {
        let records: [AuditRecord]
        /// Dropped behind them.
        let dropped: Int
        /// The number of the last record.
        let last: Int
        let isAwaited: Bool
    }

    /// Everything there is.
    ///
    /// - Parameter spare: an empty array with the room of an earlier batch, so that adding seldom
    ///   allocates.
    func take(leaving spare: consuming [AuditRecord]) -> Batch {
        let spare = spare
        return state.withLock { state in
            let taken = Batch(
                records: state.records, dropped: state.dropped, last: state.added,
                isAwaited: state.isAwaited)
            state.records = spare
            state.dropped = 0
            state.isAwaited = false
            return taken
        }
    }

    func add(_ mailbox: AuditMailbox) { mailboxes.withLock { $0.append(mailbox) } }

    func remove(_ mailbox: AuditMailbox) {
        mailboxes.withLock { $0.removeAll { $0 === mailbox } }
    }

    /// Tells all loops; each knows who waits there.
    func tell(_ outcomes: [AuditOutcome]) {
        mailboxes.withLock { mailboxes in
            for mailbox in mailboxes { mailbox.add(outcomes) }
        }
    }

    /// Whoever takes shall look where the file is.
    func askForLook() {
        state.withLock { $0.isLookWanted = true }
    }

    /// True once for each time, or several, that it was asked for.
    func takeLook() -> Bool {
        state.withLock { state in
            defer { state.isLookWanted = false }
            return state.isLookWanted
        }
    }

    /// From now on everything is dropped.
    func close() {
        state.withLock { $0.isClosed = true }
    }

    var isClosed: Bool { state.withLock { $0.isClosed } }
}
