// The one thread that writes. Everything queued goes into one transaction and one sync to disk,
// then all of it is answered; what comes in meanwhile is the next batch. So the busier, the larger.

import Metrics
import Reports
import StoreThreads
import System
import Tokens

/// What the writer is asked to do.
enum Job: Sendable {
    case insert(AuthorizationCode)
    case insertCCG(CCGToken)
    case redeem(Redemption)
    case revoke([Identifier], of: Set<Institution.ID>)
    case revokeConsent(ConsentRevocation, now: Milliseconds)
    /// A command has revoked it.
    case takeOver(ConsentRevocation, until: Milliseconds)
    case removeExpired(now: Milliseconds)
    case remember(RegistryMark)
    // Large and seldom: it would make all jobs large.
    /// - Parameter seenAt: when a server was last seen before this run began.
    indirect case keep(ReportBatch, seenAt: Milliseconds?)

    /// Where it reads and writes.
    var tables: String {
        switch self {
        case .insert: "table codes"
        case .insertCCG: "table ccg_tokens"
        case .redeem: "tables codes and tokens"
        case .revoke: "table tokens"
        case .revokeConsent, .takeOver: "table revoked_consents"
        case .removeExpired: "every table"
        case .remember: "table meta"
        case .keep: "the tables of the reports"
        }
    }
}

/// What came of a job. Says so only when it is on disk.
enum JobResult: Sendable {
    case done
    case redeemed(RedemptionOutcome)
    // Large and seldom: it would make all answers large.
    indirect case revoked(AccessToken?)
    /// When to expire again.
    case expired(next: Milliseconds)

    var isDone: Void? { if case .done = self { () } else { nil } }
    var revoked: AccessToken?? { if case .revoked(let token) = self { token } else { nil } }
    var nextExpiry: Milliseconds? { if case .expired(let next) = self { next } else { nil } }
}

typealias JobAnswer = Result<JobResult, StoreError>

/// Runs batches until its queue is closed. Lives on its thread.
final class Writer {
    private let transactions: Transactions
    private let health: StoreHealth
    private let metrics: StoreMetrics
    /// Set by each job of expiry, which comes once a second.
    private var expiryTime: Milliseconds?
    private var erasure = LogErasure()

    /// A sync has failed. Nothing is written any more.
    private var isOver = false

    /// Of the jobs of one batch that meet damage, so many are left out; where there are more, all of
    /// it is refused, since each means to begin anew.
    private static let leftOutMax = 16

    /// - Parameter keptTokens: how long tokens stay that have expired, in milliseconds.
    init(
        _ database: Database, health: StoreHealth, metrics: StoreMetrics, changes: TokenChanges,
        keptTokens: Milliseconds
    ) throws(DatabaseError) {
        self.metrics = metrics
        transactions = try Transactions(database, changes, keptTokens: keptTokens)
        self.health = health
    }

    /// Takes over what commands have revoked while no server ran. Before `run`.
    ///
    /// - Parameter now: a time that has surely come: what nobody can need then is left out.
    func adopt(_ consents: [RevokedConsent], now: Milliseconds) throws(DatabaseError) {
        if consents.isEmpty { return }
        do throws(DatabaseError) {
            try transactions.begin()
            try transactions.adopt(consents, now: now)
            try transactions.commit()
        } catch {
            throw transactions.rollback(error)
        }
    }

    func run(_ queue: ParcelQueue<Job, JobAnswer>) {
        defer {
            if !isOver {
                tendLog(isLast: true) { () throws(DatabaseError) in
                    try transactions.emptyLog()
                    return true
                }
            }
        }
        while let parcels = queue.take() {
            var rest = parcels[...]
            while !rest.isEmpty {
                let batch = nextBatch(rest)
                metrics.busySince.set(Clock.monotonicMicroseconds())
                if isOver { refuse(batch) } else { write(batch) }
                metrics.busySince.set(0)
                rest = rest.dropFirst(batch.count)
            }
        }
    }

    private func write(_ batch: ArraySlice<Parcel<Job, JobAnswer>>) {
        commit(batch)
        guard !isOver else { return }
        let now = expiryTime
        rehearse()
        if let now, erasure.isDue(now) {
            tendLog { () throws(DatabaseError) in
                let isErased = try transactions.eraseLog()
                if isErased { erasure.done(now) }
                return isErased
            }
        } else {
            tendLog { () throws(DatabaseError) in try transactions.shortenLog() }
        }
    }

    private func refuse(_ batch: ArraySlice<Parcel<Job, JobAnswer>>) {
        Parcel.answer(
            batch,
            batch.map { Array(repeating: .failure(.unavailable), count: $0.jobs.count) })
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
    /// but where it is COMMIT that fails nobody may know. A job that meets damage fails alone.
    private func commit(_ batch: ArraySlice<Parcel<Job, JobAnswer>>) {
        var leftOut: Set<Int> = []
        var answers: [[JobAnswer]]?
        repeat { answers = attempt(batch, &leftOut) } while answers == nil
        Parcel.answer(batch, answers ?? [])
    }

    /// - Parameter leftOut: the jobs that are not done, by their place in the batch.
    /// - Returns: nil where one more has to be left out, and nothing has happened.
    private func attempt(
        _ batch: ArraySlice<Parcel<Job, JobAnswer>>, _ leftOut: inout Set<Int>
    ) -> [[JobAnswer]]? {
        var step = Step.beginning
        do throws(DatabaseError) {
            try transactions.begin()
            let results = try perform(batch, without: leftOut, &step)
            step = .probing
            if health.isFailing(.writing) { try transactions.probe() }
            step = .committing
            let began = Clock.monotonicMicroseconds()
            try transactions.commit()
            metrics.commits.observe(Clock.monotonicMicroseconds() - began)
            metrics.batchSizes.observe(results.reduce(0) { $0 + $1.count })
            health.recovered(.writing)
            return results
        } catch {
            let cause = transactions.rollback(error)
            if case .performing(let number) = step, cause.isDamage {
                met(cause, batch.flatMap { $0.jobs }[number])
                leftOut.insert(number)
                if leftOut.count <= Writer.leftOutMax { return nil }
            } else if error.isLostSync {
                lost(cause)
            } else {
                health.failed(.writing, cause.description)
            }
            metrics.failedBatches.add()
            let isUnknown = step.isCommitting && !error.leavesNothingCommitted
            let answer = JobAnswer.failure(isUnknown ? .outcomeUnknown : .unavailable)
            return batch.map { Array(repeating: answer, count: $0.jobs.count) }
        }
    }

    private func lost(_ sync: DatabaseError) {
        isOver = true
        health.lostSync(sync.description)
    }

    /// How far a transaction has come.
    private enum Step {
        case beginning
        /// The job by its place in the batch.
        case performing(Int)
        case probing, committing

        var isCommitting: Bool { if case .committing = self { true } else { false } }
    }

    private func met(_ damage: DatabaseError, _ job: Job) {
        metrics.damagedChanges.add()
        if case .removeExpired = job { return health.failed(.cleaning, damage.description) }
        health.failed(.damage, "\(job.tables): \(damage.description)")
    }

    /// Where a part of the file is damaged: finds out whether exchanges are possible all the same.
    private func rehearse() {
        guard let now = expiryTime else { return }
        expiryTime = nil
        guard health.isFailing(.damage) || health.isFailing(.cleaning) else { return }
        do throws(DatabaseError) {
            try transactions.rehearse(now: now)
            health.recovered(.exchanging)
        } catch {
            if error.isDamage { health.failed(.exchanging, error.description) }
        }
    }

    /// After the answers: it may take the disk a while.
    ///
    /// - Parameter step: returns whether the log has been moved: where there was nothing to do, it is not known
    ///   to be possible again.
    private func tendLog(
        isLast: Bool = false, _ step: () throws(DatabaseError) -> Bool
    ) {
        do throws(DatabaseError) {
            if try step() { health.recovered(.log) }
        } catch {
            // At the end it loses nothing: the log stays as it is.
            if error.isLostSync, !isLast { return lost(error) }
            health.failed(.log, error.description)
        }
    }

    private func perform(
        _ batch: ArraySlice<Parcel<Job, JobAnswer>>, without leftOut: Set<Int>, _ step: inout Step
    ) throws(DatabaseError) -> [[JobAnswer]] {
        var results: [[JobAnswer]] = []
        var number = 0
        for parcel in batch {
            var answers: [JobAnswer] = []
            answers.reserveCapacity(parcel.jobs.count)
            for job in parcel.jobs {
                if leftOut.contains(number) {
                    answers.append(.failure(.unavailable))
                } else {
                    step = .performing(number)
                    answers.append(.success(try perform(job)))
                }
                number += 1
            }
            results.append(answers)
        }
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
        case .keep(let batch, let seenAt):
            try transactions.keep(batch, seenAt: seenAt)
            return .done
        case .revokeConsent(let consent, let now):
            try transactions.revoke(consent, now: now)
            return .done
        case .takeOver(let consent, let until):
            try transactions.takeOver(consent, until: until)
            return .done
        case .removeExpired(let now):
            expiryTime = now
            let isMore = try transactions.removeExpired(now: now)
            if !isMore, !health.isFailing(.damage) { try transactions.giveBackSpace() }
            if !transactions.isCleaningPaused(at: now) { health.recovered(.cleaning) }
            return .expired(next: isMore ? now : now + 1000)
        }
    }
}
