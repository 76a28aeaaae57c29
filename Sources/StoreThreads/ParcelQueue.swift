// Where the parcels of all loops wait for the thread that takes them.

import Synchronization
import System
import UV

/// A queue of parcels that a thread takes whole. Any thread.
public final class ParcelQueue<Job: Sendable, Answer: Sendable>: Sendable {
    @usableFromInline
    struct State {
        @usableFromInline var parcels: [Parcel<Job, Answer>] = []
        @usableFromInline var jobs = 0
        /// When the first of them came, in monotonic microseconds.
        @usableFromInline var since = 0
        @usableFromInline var isClosed = false
        /// The next parcel is to wake whoever takes them.
        @usableFromInline var isAwaited = true

        @inlinable
        init() {}

        @inlinable
        mutating func take() -> [Parcel<Job, Answer>] {
            let taken = parcels
            parcels = []
            jobs = 0
            return taken
        }
    }
    @usableFromInline let state = Mutex(State())
    @usableFromInline let wakeOwner: @Sendable () -> Void
    @usableFromInline let waitForWake: @Sendable () -> Void
    @usableFromInline let jobsMax: Int

    /// For a thread that waits in `take`.
    @inlinable
    public init(jobsMax: Int) {
        self.jobsMax = jobsMax
        let semaphore = Semaphore()
        wakeOwner = { semaphore.post() }
        waitForWake = { semaphore.wait() }
    }

    /// For a thread with a loop, which takes what is there whenever it is woken, or by itself.
    ///
    /// - Parameter wake: called on the thread that adds.
    @inlinable
    public init(jobsMax: Int, wake: @escaping @Sendable () -> Void) {
        self.jobsMax = jobsMax
        wakeOwner = wake
        waitForWake = { preconditionFailure("a thread with a loop waits in its loop") }
    }

    /// - Returns: false where the queue is full or closed; nothing was added then.
    @inlinable
    public func add(_ parcel: Parcel<Job, Answer>) -> Bool {
        let wakes: Bool? = state.withLock { state in
            guard !state.isClosed, state.jobs + parcel.jobs.count <= jobsMax else { return nil }
            if state.parcels.isEmpty { state.since = Clock.monotonicMicroseconds() }
            state.parcels.append(parcel)
            state.jobs += parcel.jobs.count
            return state.parcels.count == 1 && state.isAwaited
        }
        if wakes == true { wakeOwner() }
        return wakes != nil
    }

    /// Jobs that nobody has taken yet.
    @inlinable public var count: Int { state.withLock { $0.jobs } }

    /// When the oldest job came that nobody has taken, in monotonic microseconds; nil: there is none.
    @inlinable public var waitingSince: Int? {
        state.withLock { $0.parcels.isEmpty ? nil : $0.since }
    }

    /// Blocks until there is something; nil once closed and empty.
    @inlinable
    public func take() -> [Parcel<Job, Answer>]? {
        while true {
            let (parcels, isClosed) = state.withLock { ($0.take(), $0.isClosed) }
            if !parcels.isEmpty { return parcels }
            if isClosed { return nil }
            waitForWake()
        }
    }

    /// What is there. Does not wait. The next parcel wakes the thread.
    @inlinable
    public func takeAll() -> [Parcel<Job, Answer>] {
        state.withLock { state in
            state.isAwaited = true
            return state.take()
        }
    }

    /// Parcels wake nobody until the next `takeAll`, which the thread calls by itself.
    @inlinable
    public func rest() { state.withLock { $0.isAwaited = false } }

    @inlinable public var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Lets `take` finish what is there and then end.
    @inlinable
    public func close() {
        state.withLock { $0.isClosed = true }
        wakeOwner()
    }
}
