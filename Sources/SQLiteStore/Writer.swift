// The one thread that writes. Everything queued goes into one transaction and one sync to disk,
// then all of it is answered; what comes in meanwhile is the next batch. So the busier, the larger.

import Synchronization
import Tokens
import UV

/// What the writer is asked to do.
enum Job: Sendable {
    case insert(AuthorizationCode)
    case redeem(Redemption)
    case removeExpired(now: Milliseconds)
}

/// What came of a job. Says so only when it is on disk.
enum JobResult: Sendable {
    case inserted
    case redeemed(RedemptionOutcome)
    /// When to expire again.
    case expired(next: Milliseconds)
    case token(AccessToken?)
    case failed
}

/// A job with the address of whoever waits for it.
struct QueuedJob: Sendable {
    let job: Job
    let ticket: Int
    let mailbox: Mailbox
}

/// Results for one event loop, with the means to wake it. Any thread.
final class Mailbox: Sendable {
    private let results = Mutex<[(ticket: Int, result: JobResult)]>([])
    private let wakeup: Wakeup.Sender

    init(_ wakeup: Wakeup.Sender) { self.wakeup = wakeup }

    /// - Parameter delivered: all of one batch for this loop: one wake-up.
    func deliver(_ delivered: [(ticket: Int, result: JobResult)]) {
        results.withLock { $0.append(contentsOf: delivered) }
        wakeup.wake()
    }

    func take() -> [(ticket: Int, result: JobResult)] {
        results.withLock { results in
            let taken = results
            results = []
            return taken
        }
    }
}

/// A queue that a thread takes whole. Any thread.
final class JobQueue<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element] = []
        var isClosed = false
    }
    private let state = Mutex(State())
    private let semaphore = Semaphore()
    private let countMax: Int

    init(countMax: Int) { self.countMax = countMax }

    /// - Returns: false where the queue is full or closed; nothing was added then.
    func add(_ element: Element) -> Bool {
        let wasEmpty: Bool? = state.withLock { state in
            guard !state.isClosed, state.elements.count < countMax else { return nil }
            state.elements.append(element)
            return state.elements.count == 1
        }
        if wasEmpty == true { semaphore.post() }
        return wasEmpty != nil
    }

    /// Blocks until there is something; nil once closed and empty.
    func take() -> [Element]? {
        while true {
            let (elements, isClosed) = state.withLock { state in
                let taken = state.elements
                state.elements = []
                return (taken, state.isClosed)
            }
            if !elements.isEmpty { return elements }
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

/// Runs batches until its queue is closed. Lives on its thread.
final class Writer {
    /// Jobs in one transaction: keeps the wait of the first bounded.
    static let batchMax = 1024

    private let transactions: Transactions
    private let health: StoreHealth
    private let codeLifetime: Milliseconds
    private let tokenLifetime: Milliseconds?
    private var batches = 0
    private var written = 0
    private var commitMicroseconds = 0

    init(
        _ database: Database, health: StoreHealth, codeLifetime: Milliseconds,
        tokenLifetime: Milliseconds?
    ) throws(DatabaseError) {
        transactions = try Transactions(database)
        self.health = health
        self.codeLifetime = codeLifetime
        self.tokenLifetime = tokenLifetime
    }

    func run(_ queue: JobQueue<QueuedJob>) {
        while let jobs = queue.take() {
            var rest = jobs[...]
            while !rest.isEmpty {
                commit(rest.prefix(Writer.batchMax))
                rest = rest.dropFirst(Writer.batchMax)
            }
        }
        if batches > 0 {
            health.tell(
                "the store wrote \(written) changes in \(batches) batches, \(written / batches) a "
                    + "batch, \(commitMicroseconds / batches) us a commit")
        }
    }

    /// One transaction. Where anything in it fails nothing of it has happened, and all are told so.
    private func commit(_ batch: ArraySlice<QueuedJob>) {
        var results: [JobResult]
        do throws(DatabaseError) {
            try transactions.begin()
            results = []
            for queued in batch { results.append(try perform(queued.job)) }
            if !health.isGood { try transactions.probe() }
            let began = Clock.monotonicMicroseconds()
            try transactions.commit()
            commitMicroseconds += Clock.monotonicMicroseconds() - began
            batches += 1
            written += batch.count
            health.recovered()
        } catch {
            transactions.rollback()
            health.failed(error.description)
            results = Array(repeating: .failed, count: batch.count)
        }
        var deliveries: [ObjectIdentifier: (Mailbox, [(ticket: Int, result: JobResult)])] = [:]
        for (queued, result) in zip(batch, results) {
            deliveries[ObjectIdentifier(queued.mailbox), default: (queued.mailbox, [])].1
                .append((queued.ticket, result))
        }
        for (mailbox, results) in deliveries.values { mailbox.deliver(results) }
    }

    private func perform(_ job: Job) throws(DatabaseError) -> JobResult {
        switch job {
        case .insert(let code):
            try transactions.insert(code)
            return .inserted
        case .redeem(let attempt):
            return .redeemed(try transactions.redeem(attempt))
        case .removeExpired(let now):
            let isMore = try transactions.removeExpired(
                now: now, codesBefore: now - codeLifetime - ReplayMemory.milliseconds,
                tokensBefore: tokenLifetime.map { now - $0 })
            return .expired(next: isMore ? now : now + 1000)
        }
    }
}
