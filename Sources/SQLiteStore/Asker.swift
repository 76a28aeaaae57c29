// A loop's end of a queue of parcels.

import UV

/// Gathers what is asked in a turn of the loop, and gives answers to those who wait for them, in the
/// order of asking. Its loop's thread only.
final class Asker<Job: Sendable, Answer: Sendable> {
    typealias Completion = (Answer) -> Void
    private let queue: ParcelQueue<Job, Answer>
    private let mailbox: Mailbox<Answer>
    private let refusal: Answer
    private var asked: [Job] = []
    private var waiting: [Completion] = []
    /// Who waits for each parcel under way. The thread answers them in the order of sending.
    private var sent: [ArraySlice<Completion>] = []
    private var isClosed = false

    /// - Parameter refusal: the answer where the queue is full, or all is over.
    init(_ queue: ParcelQueue<Job, Answer>, _ wakeup: Wakeup.Sender, refusal: Answer) {
        self.queue = queue
        self.refusal = refusal
        mailbox = Mailbox { wakeup.wake() }
    }

    /// Nobody waits for an answer.
    var isIdle: Bool { waiting.isEmpty && sent.isEmpty }

    /// From now on refuses what it is asked. Who waits is answered.
    func close() { isClosed = true }

    /// - Parameter completion: runs in a later turn, or at the end of this one; after `close` at once.
    func ask(_ job: Job, _ completion: @escaping Completion) {
        guard !isClosed else { return completion(refusal) }
        asked.append(job)
        waiting.append(completion)
    }

    /// Sends what was asked since the last time. For the end of a turn.
    func send() {
        guard !asked.isEmpty else { return }
        let (jobs, completions) = (asked, waiting)
        asked = []
        waiting = []
        asked.reserveCapacity(jobs.count)
        waiting.reserveCapacity(jobs.count)
        let step = Parcel<Job, Answer>.jobsMax
        for start in stride(from: 0, to: jobs.count, by: step) {
            let range = start..<min(start + step, jobs.count)
            if queue.add(Parcel(jobs: jobs[range], mailbox: mailbox)) {
                sent.append(completions[range])
            } else {
                for completion in completions[range] { completion(refusal) }
            }
        }
    }

    /// Hands out the answers that have come.
    func collect() {
        let parcels = mailbox.take()
        let answered = sent.prefix(parcels.count)
        sent.removeFirst(parcels.count)
        for (completions, answers) in zip(answered, parcels) {
            for (completion, answer) in zip(completions, answers) { completion(answer) }
        }
    }
}

extension Asker {
    /// Asks, and completes with what `find` takes out of an answer that is no failure.
    ///
    /// - Parameter find: knows which kind of answer the job has.
    func ask<Found, Value, Failure>(
        _ job: Job, _ completion: @escaping (Result<Value, Failure>) -> Void,
        _ find: @escaping (Found) -> Value?
    ) where Answer == Result<Found, Failure> {
        ask(job) { answer in
            completion(
                answer.map { found in
                    guard let value = find(found) else {
                        preconditionFailure("answers come in the order of asking")
                    }
                    return value
                })
        }
    }
}
