// How loops and the threads of a store talk: a loop sends what it asks in one turn as one parcel, a
// thread takes all parcels that are there, and the answers go back parcel by parcel.

import Synchronization

/// What one loop asks in one turn, with the address for the answers: one for each job, in order.
public struct Parcel<Job: Sendable, Answer: Sendable>: Sendable {
    public let jobs: ArraySlice<Job>
    public let mailbox: Mailbox<Answer>
    /// What the loop knows it by.
    @usableFromInline let number: Int

    @inlinable
    public init(jobs: ArraySlice<Job>, mailbox: Mailbox<Answer>, number: Int = 0) {
        self.jobs = jobs
        self.mailbox = mailbox
        self.number = number
    }

    /// Jobs in one parcel, and in one transaction: keeps the wait of the first bounded.
    @inlinable public static var jobsMax: Int { 1024 }

    /// Sends answers back: all of them are there before any loop wakes.
    @inlinable
    public static func answer(_ parcels: some Collection<Parcel>, _ answers: [[Answer]]) {
        for (parcel, answers) in zip(parcels, answers) {
            parcel.mailbox.put(ParcelAnswers(number: parcel.number, answers: answers))
        }
        for parcel in parcels { parcel.mailbox.wake() }
    }
}

/// What came of a parcel.
public struct ParcelAnswers<Answer: Sendable>: Sendable {
    @usableFromInline let number: Int
    /// One for each job, in order.
    public let answers: [Answer]

    @inlinable
    init(number: Int, answers: [Answer]) {
        self.number = number
        self.answers = answers
    }
}

/// Answers for one event loop or thread, with the means to wake it. Any thread.
public final class Mailbox<Answer: Sendable>: Sendable {
    @usableFromInline let parcels = Mutex<[ParcelAnswers<Answer>]>([])
    @usableFromInline let wakeOwner: @Sendable () -> Void

    /// - Parameter wake: called on the thread that answers; a thread without a loop looks by itself.
    @inlinable
    public init(_ wake: @escaping @Sendable () -> Void = {}) { wakeOwner = wake }

    @inlinable
    func put(_ answers: ParcelAnswers<Answer>) {
        parcels.withLock { $0.append(answers) }
    }

    @inlinable
    func wake() { wakeOwner() }

    @inlinable
    public func take() -> [ParcelAnswers<Answer>] {
        parcels.withLock { parcels in
            let taken = parcels
            parcels = []
            return taken
        }
    }
}
