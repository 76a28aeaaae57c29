// The one thread that writes. Everything queued goes into one transaction and one sync to disk,
// then all of it is answered; what comes in meanwhile is the next batch. So the busier, the larger.

import Synchronization
import Tokens
import UV

/// What the writer is asked to do.
enum Job: Sendable {
    case insert(AuthorizationCode)
    case insertCCG(CCGToken)
    case redeem(Redemption)
    case revoke(Identifier)
    case removeExpired(now: Milliseconds)
}

/// What came of a job. Says so only when it is on disk.
enum JobResult: Sendable {
    case inserted
    case redeemed(RedemptionOutcome)
    case revoked
    /// When to expire again.
    case expired(next: Milliseconds)
    case token(AccessToken?)
    case ccgToken(CCGToken?)
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

    /// Sends the results of a batch where they belong: one wake-up for each loop.
    static func deliver(_ results: [(mailbox: Mailbox, ticket: Int, result: JobResult)]) {
        var mailboxes: [Mailbox] = []
        for (mailbox, _, _) in results where !mailboxes.contains(where: { $0 === mailbox }) {
            mailboxes.append(mailbox)
        }
        for mailbox in mailboxes {
            mailbox.deliver(
                results.filter { $0.mailbox === mailbox }.map { ($0.ticket, $0.result) })
        }
    }

    private func deliver(_ delivered: [(ticket: Int, result: JobResult)]) {
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
    private let settings: IssuerSettings
    private var batches = 0
    private var written = 0
    private var commitMicroseconds = 0

    init(
        _ database: Database, health: StoreHealth, settings: IssuerSettings
    ) throws(DatabaseError) {
        transactions = try Transactions(database)
        self.health = health
        self.settings = settings
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
        Mailbox.deliver(zip(batch, results).map { ($0.mailbox, $0.ticket, $1) })
    }

    private func perform(_ job: Job) throws(DatabaseError) -> JobResult {
        switch job {
        case .insert(let code):
            try transactions.insert(code)
            return .inserted
        case .insertCCG(let token):
            try transactions.insert(token)
            return .inserted
        case .redeem(let attempt):
            return .redeemed(try transactions.redeem(attempt))
        case .revoke(let id):
            try transactions.revoke(id)
            return .revoked
        case .removeExpired(let now):
            let isMore = try transactions.removeExpired(
                now: now, codesBefore: now - settings.codeLifetime - ReplayMemory.milliseconds,
                tokensBefore: settings.tokenLifetime.map { now - $0 },
                ccgTokensBefore: now - settings.ccgTokenLifetime)
            return .expired(next: isMore ? now : now + 1000)
        }
    }
}
