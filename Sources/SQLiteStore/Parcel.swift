// How loops and the two threads of the store talk: a loop sends what it asks in one turn as one
// parcel, a thread takes all parcels that are there, and the answers go back parcel by parcel.

import Synchronization
import System
import UV

/// What one loop asks in one turn, with the address for the answers: one for each job, in order.
struct Parcel<Job: Sendable, Answer: Sendable>: Sendable {
    let jobs: ArraySlice<Job>
    let mailbox: Mailbox<Answer>

    /// Jobs in one parcel, and in one transaction: keeps the wait of the first bounded.
    static var jobsMax: Int { 1024 }

    /// Sends answers back: all of them are there before any loop wakes.
    static func answer(_ parcels: some Collection<Parcel>, _ answers: [[Answer]]) {
        for (parcel, answers) in zip(parcels, answers) { parcel.mailbox.put(answers) }
        for parcel in parcels { parcel.mailbox.wake() }
    }
}

/// Answers for one event loop or thread, with the means to wake it. Any thread.
final class Mailbox<Answer: Sendable>: Sendable {
    private let parcels = Mutex<[[Answer]]>([])
    private let wakeOwner: @Sendable () -> Void

    /// - Parameter wake: called on the thread that answers; a thread without a loop looks by itself.
    init(_ wake: @escaping @Sendable () -> Void = {}) { wakeOwner = wake }

    fileprivate func put(_ answers: [Answer]) {
        parcels.withLock { $0.append(answers) }
    }

    fileprivate func wake() { wakeOwner() }

    func take() -> [[Answer]] {
        parcels.withLock { parcels in
            let taken = parcels
            parcels = []
            return taken
        }
    }
}

/// A queue of parcels that a thread takes whole. Any thread.
final class ParcelQueue<Job: Sendable, Answer: Sendable>: Sendable {
    private struct State {
        var parcels: [Parcel<Job, Answer>] = []
        var jobs = 0
        /// When the first of them came, in monotonic microseconds.
        var since = 0
        var isClosed = false
    }
    private let state = Mutex(State())
    private let semaphore = Semaphore()
    private let jobsMax: Int

    init(jobsMax: Int) { self.jobsMax = jobsMax }

    /// - Returns: false where the queue is full or closed; nothing was added then.
    func add(_ parcel: Parcel<Job, Answer>) -> Bool {
        let wasEmpty: Bool? = state.withLock { state in
            guard !state.isClosed, state.jobs + parcel.jobs.count <= jobsMax else { return nil }
            if state.parcels.isEmpty { state.since = Clock.monotonicMicroseconds() }
            state.parcels.append(parcel)
            state.jobs += parcel.jobs.count
            return state.parcels.count == 1
        }
        if wasEmpty == true { semaphore.post() }
        return wasEmpty != nil
    }

    /// Jobs that nobody has taken yet.
    var count: Int { state.withLock { $0.jobs } }

    /// When the oldest job came that nobody has taken, in monotonic microseconds; nil: there is none.
    var waitingSince: Int? { state.withLock { $0.parcels.isEmpty ? nil : $0.since } }

    /// Blocks until there is something; nil once closed and empty.
    func take() -> [Parcel<Job, Answer>]? {
        while true {
            let (parcels, isClosed) = state.withLock { state in
                let taken = state.parcels
                state.parcels = []
                state.jobs = 0
                return (taken, state.isClosed)
            }
            if !parcels.isEmpty { return parcels }
            if isClosed { return nil }
            semaphore.wait()
        }
    }

    /// Lets `take` finish what is there and then end.
    func close() {
        state.withLock { $0.isClosed = true }
        semaphore.post()
    }
}
