// The one thread that writes. Everything queued goes into one transaction and one sync to disk,
// then all of it is answered; what comes in meanwhile is the next batch. So the busier, the larger.

import Metrics
import System
import Tokens

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
    case failed
}

/// Runs batches until its queue is closed. Lives on its thread.
final class Writer {
    private let transactions: Transactions
    private let health: StoreHealth
    private let settings: IssuerSettings
    private let metrics: StoreMetrics

    init(
        _ database: Database, health: StoreHealth, metrics: StoreMetrics, settings: IssuerSettings
    ) throws(DatabaseError) {
        self.metrics = metrics
        transactions = try Transactions(database)
        self.health = health
        self.settings = settings
    }

    func run(_ queue: ParcelQueue<Job, JobResult>) {
        while let parcels = queue.take() {
            var rest = parcels[...]
            while !rest.isEmpty {
                let batch = nextBatch(rest)
                metrics.busySince.set(Clock.monotonicMicroseconds())
                commit(batch)
                metrics.busySince.set(0)
                rest = rest.dropFirst(batch.count)
            }
        }
    }

    /// At least one parcel, and what else fits into one transaction.
    private func nextBatch(
        _ parcels: ArraySlice<Parcel<Job, JobResult>>
    ) -> ArraySlice<Parcel<Job, JobResult>> {
        var jobs = 0
        return parcels.prefix { parcel in
            jobs += parcel.jobs.count
            return jobs <= Parcel<Job, JobResult>.jobsMax
        }
    }

    /// One transaction. Where anything in it fails nothing of it has happened, and all are told so.
    private func commit(_ batch: ArraySlice<Parcel<Job, JobResult>>) {
        var results: [[JobResult]] = []
        do throws(DatabaseError) {
            try transactions.begin()
            for parcel in batch { results.append(try perform(parcel.jobs)) }
            if !health.isGood { try transactions.probe() }
            let began = Clock.monotonicMicroseconds()
            try transactions.commit()
            metrics.commits.observe(Clock.monotonicMicroseconds() - began)
            metrics.batchSizes.observe(results.reduce(0) { $0 + $1.count })
            health.recovered()
        } catch {
            metrics.failedBatches.add()
            transactions.rollback()
            health.failed(error.description)
            results = batch.map { Array(repeating: .failed, count: $0.jobs.count) }
        }
        Parcel.answer(batch, results)
    }

    private func perform(_ jobs: ArraySlice<Job>) throws(DatabaseError) -> [JobResult] {
        var results: [JobResult] = []
        results.reserveCapacity(jobs.count)
        for job in jobs { results.append(try perform(job)) }
        return results
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
