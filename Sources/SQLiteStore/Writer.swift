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
    case revoke([Identifier], of: Set<Institution.ID>)
    case removeExpired(now: Milliseconds)
    case remember(RegistryMark)
}

/// What came of a job. Says so only when it is on disk.
enum JobResult: Sendable {
    case done
    case redeemed(RedemptionOutcome)
    case revoked(AccessToken?)
    /// When to expire again.
    case expired(next: Milliseconds)

    var isDone: Void? { if case .done = self { () } else { nil } }
    var outcome: RedemptionOutcome? {
        if case .redeemed(let outcome) = self { outcome } else { nil }
    }
    var revoked: AccessToken?? { if case .revoked(let token) = self { token } else { nil } }
    var nextExpiry: Milliseconds? { if case .expired(let next) = self { next } else { nil } }
}

typealias JobAnswer = Result<JobResult, StoreError>

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

    func run(_ queue: ParcelQueue<Job, JobAnswer>) {
        defer { tendLog { () throws(DatabaseError) in try transactions.emptyLog() } }
        while let parcels = queue.take() {
            var rest = parcels[...]
            while !rest.isEmpty {
                let batch = nextBatch(rest)
                metrics.busySince.set(Clock.monotonicMicroseconds())
                commit(batch)
                tendLog { () throws(DatabaseError) in try transactions.shortenLog() }
                metrics.busySince.set(0)
                rest = rest.dropFirst(batch.count)
            }
        }
    }

    /// At least one parcel, and what else fits into one transaction.
    private func nextBatch(
        _ parcels: ArraySlice<Parcel<Job, JobAnswer>>
    ) -> ArraySlice<Parcel<Job, JobAnswer>> {
        var jobs = 0
        return parcels.prefix { parcel in
            jobs += parcel.jobs.count
            return jobs <= Parcel<Job, JobAnswer>.jobsMax
        }
    }

    /// One transaction. Where anything in it fails nothing of it has happened, and all are told so;
    /// but where it is COMMIT that fails nobody may know.
    private func commit(_ batch: ArraySlice<Parcel<Job, JobAnswer>>) {
        var results: [[JobAnswer]] = []
        var isCommitting = false
        do throws(DatabaseError) {
            try transactions.begin()
            for parcel in batch { results.append(try perform(parcel.jobs)) }
            if health.isFailing(.writing) { try transactions.probe() }
            isCommitting = true
            let began = Clock.monotonicMicroseconds()
            try transactions.commit()
            metrics.commits.observe(Clock.monotonicMicroseconds() - began)
            metrics.batchSizes.observe(results.reduce(0) { $0 + $1.count })
            health.recovered(.writing)
        } catch {
            metrics.failedBatches.add()
            health.failed(.writing, transactions.rollback(error).description)
            let failure: StoreError =
                isCommitting && !error.leavesNothingCommitted ? .outcomeUnknown : .unavailable
            results = batch.map { Array(repeating: .failure(failure), count: $0.jobs.count) }
        }
        Parcel.answer(batch, results)
    }

    /// After the answers: it may take the disk a while.
    private func tendLog(_ step: () throws(DatabaseError) -> Void) {
        do throws(DatabaseError) {
            try step()
            health.recovered(.log)
        } catch {
            health.failed(.log, error.description)
        }
    }

    private func perform(_ jobs: ArraySlice<Job>) throws(DatabaseError) -> [JobAnswer] {
        var results: [JobAnswer] = []
        results.reserveCapacity(jobs.count)
        for job in jobs { results.append(.success(try perform(job))) }
        return results
    }

    private func perform(_ job: Job) throws(DatabaseError) -> JobResult {
        switch job {
        case .insert(let code):
            try transactions.insert(code)
            return .done
        case .insertCCG(let token):
            try transactions.insert(token)
            return .done
        case .redeem(let attempt):
            return .redeemed(try transactions.redeem(attempt))
        case .revoke(let candidates, let institutions):
            return .revoked(try transactions.revoke(candidates, of: institutions))
        case .remember(let mark):
            try transactions.remember(mark)
            return .done
        case .removeExpired(let now):
            let isMore = try transactions.removeExpired(
                now: now, codesBefore: now - settings.codeLifetime - ReplayMemory.milliseconds,
                tokensBefore: settings.tokenLifetime.map { now - $0 },
                ccgTokensBefore: now - settings.ccgTokenLifetime)
            return .expired(next: isMore ? now : now + 1000)
        }
    }
}
