// The store thread's end of a queue of parcels.

import StoreThreads

/// A parcel that is answered job by job, and goes back when all of it has been.
final class OpenParcel<Job: Sendable, Answer: Sendable> {
    fileprivate let parcel: Parcel<Job, Answer>
    fileprivate var answers: [Answer]
    fileprivate var missing: Int

    fileprivate init(_ parcel: Parcel<Job, Answer>, _ filler: Answer) {
        self.parcel = parcel
        answers = Array(repeating: filler, count: parcel.jobs.count)
        missing = parcel.jobs.count
    }
}

/// One job of a parcel, and where its answer goes.
struct Ticket<Job: Sendable, Answer: Sendable> {
    fileprivate let parcel: OpenParcel<Job, Answer>
    /// In the parcel's slice of jobs.
    fileprivate let index: Int

    var job: Job { parcel.parcel.jobs[index] }
}

/// Takes parcels apart and gives answers back. The store's thread.
final class Inbox<Job: Sendable, Answer: Sendable> {
    let queue: ParcelQueue<Job, Answer>
    private let filler: Answer
    private var answered: [OpenParcel<Job, Answer>] = []

    /// - Parameter filler: is never seen.
    init(_ queue: ParcelQueue<Job, Answer>, filler: Answer) {
        self.queue = queue
        self.filler = filler
    }

    /// Nobody is woken for what comes until the next `take`.
    func rest() { queue.rest() }

    /// Takes what has come.
    func take(_ each: (Ticket<Job, Answer>) -> Void) {
        for parcel in queue.takeAll() {
            let open = OpenParcel(parcel, filler)
            for index in parcel.jobs.indices { each(Ticket(parcel: open, index: index)) }
        }
    }

    /// - Parameter ticket: each is answered once.
    func answer(_ ticket: Ticket<Job, Answer>, _ answer: Answer) {
        let parcel = ticket.parcel
        parcel.answers[ticket.index - parcel.parcel.jobs.startIndex] = answer
        parcel.missing -= 1
        if parcel.missing == 0 { answered.append(parcel) }
    }

    /// Sends back what is answered as a whole. For the end of a turn.
    func deliver() {
        guard !answered.isEmpty else { return }
        Parcel.answer(answered.map(\.parcel), answered.map(\.answers))
        answered.removeAll(keepingCapacity: true)
    }
}
