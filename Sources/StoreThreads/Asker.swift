// A loop's end of a queue of parcels.

import UV

/// Gathers what is asked in a turn of the loop, and gives answers to those who wait for them: of one
/// turn, in the order of asking. Its loop's thread only.
public final class Asker<Job: Sendable, Answer: Sendable> {
    public typealias Completion = (Answer) -> Void
    @usableFromInline let queue: ParcelQueue<Job, Answer>
    @usableFromInline let mailbox: Mailbox<Answer>
    @usableFromInline let refusal: Answer
    @usableFromInline var asked: [Job] = []
    @usableFromInline var waiting: [Completion] = []
    /// Who waits for each parcel under way, by its number less `firstSent`. A thread that answers
    /// parcels out of order leaves gaps.
    @usableFromInline var sent: [ArraySlice<Completion>?] = []
    @usableFromInline var firstSent = 0
    @usableFromInline var isClosed = false

    /// - Parameter refusal: the answer where the queue is full, or all is over.
    @inlinable
    public init(_ queue: ParcelQueue<Job, Answer>, _ wakeup: Wakeup.Sender, refusal: Answer) {
        self.queue = queue
        self.refusal = refusal
        mailbox = Mailbox { wakeup.wake() }
    }

    /// Nobody waits for an answer.
    @inlinable public var isIdle: Bool { waiting.isEmpty && sent.isEmpty }

    /// From now on refuses what it is asked. Who waits is answered.
    @inlinable
    public func close() { isClosed = true }

    /// - Parameter completion: runs in a later turn, or at the end of this one; after `close` at once.
    @inlinable
    public func ask(_ job: Job, _ completion: @escaping Completion) {
        guard !isClosed else { return completion(refusal) }
        asked.append(job)
        waiting.append(completion)
    }

    /// Sends what was asked since the last time. For the end of a turn.
    @inlinable
    public func send() {
        guard !asked.isEmpty else { return }
        let (jobs, completions) = (asked, waiting)
        asked = []
        waiting = []
        asked.reserveCapacity(jobs.count)
        waiting.reserveCapacity(jobs.count)
        let step = Parcel<Job, Answer>.jobsMax
        for start in stride(from: 0, to: jobs.count, by: step) {
            let range = start..<min(start + step, jobs.count)
            let number = firstSent + sent.count
            if queue.add(Parcel(jobs: jobs[range], mailbox: mailbox, number: number)) {
                sent.append(completions[range])
            } else {
                for completion in completions[range] { completion(refusal) }
            }
        }
    }

    /// Hands out the answers that have come.
    @inlinable
    public func collect() {
        for parcel in mailbox.take() {
            let index = parcel.number - firstSent
            guard let completions = sent[index] else {
                preconditionFailure("a parcel is answered once")
            }
            sent[index] = nil
            // Before the completions, which may ask whether anybody waits.
            while let first = sent.first, first == nil {
                sent.removeFirst()
                firstSent += 1
            }
            for (completion, answer) in zip(completions, parcel.answers) { completion(answer) }
        }
    }
}

extension Asker {
    /// Asks, and completes with what `find` takes out of an answer that is no failure.
    ///
    /// - Parameter find: knows which kind of answer the job has.
    @inlinable
    public func ask<Found, Value, Failure>(
        _ job: Job, _ completion: @escaping (Result<Value, Failure>) -> Void,
        _ find: @escaping (Found) -> Value?
    ) where Answer == Result<Found, Failure> {
        ask(job) { answer in
            completion(
                answer.map { found in
                    guard let value = find(found) else {
                        preconditionFailure("each answer belongs to its question")
                    }
                    return value
                })
        }
    }
}
