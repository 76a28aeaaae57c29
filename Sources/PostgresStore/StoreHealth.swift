// Whether the database does what is asked of it. Written by the store's thread, read by anybody.

import Synchronization
import System
import Tokens

/// Says so each time it changes, and for each cause. The store's thread, but for `isGood`.
final class StoreHealth: Sendable {
    enum Part { case writing, reading }

    private struct State {
        /// When each was last answered well, in monotonic microseconds.
        var written: Int?
        var read: Int?
        /// Why something failed, and when. It counts until all has been answered well again.
        var failure: (cause: String, at: Int)?
        /// Since the last good answer.
        var told: Set<String> = []
        /// Damage that people have been told of.
        var damage: Set<String> = []
        /// When a lost connection was last replaced by another.
        var regained: Int?
        /// What the database last refused to do for requests, and has not done since.
        var refusals: [Part: Refusal] = [:]

        var cause: String? {
            failure.flatMap { $0.at >= min(written ?? 0, read ?? 0) ? $0.cause : nil }
        }

        func refusal(at now: Int) -> String? {
            refusals.values.first { $0.counts(at: now) }?.cause
        }
    }

    private struct Refusal {
        var cause: String
        var at: Int
        /// How long it counts where nothing is asked any more.
        var lasts = StoreHealth.refusalMicroseconds.lowerBound

        func counts(at now: Int) -> Bool { now - at < lasts }
    }

    /// How long a refusal counts where nothing is asked any more, so that nobody would ever hear that the
    /// database works again. Twice as long each time that the next request is refused, too.
    static let refusalMicroseconds = 2_000_000...32_000_000

    /// Not good after as long without a good answer.
    static let patienceMicroseconds = 2_000_000

    /// Causes told before it recovers.
    private static let causesMax = 8

    private let good = Atomic(false)
    private let state = Mutex(State())
    private let report: @Sendable (String) -> Void

    /// - Parameter report: gets one line for each change, without any secret.
    init(report: @escaping @Sendable (String) -> Void) { self.report = report }

    /// Whether requests can be answered. Any thread.
    var isGood: Bool { good.load(ordering: .relaxed) }

    func succeeded(_ part: Part) {
        let now = Clock.monotonicMicroseconds()
        state.withLock { state in
            switch part {
            case .writing: state.written = now
            case .reading: state.read = now
            }
        }
        if !isGood { look() }
    }

    /// Why the last thing failed. Told where it lasts.
    func failed(_ cause: String) {
        let now = Clock.monotonicMicroseconds()
        state.withLock { $0.failure = (cause, now) }
    }

    /// The database has answered a request that it will not: its disk is full, a table is not there, a right
    /// is missing. What the store tries by itself may work all the same.
    func refused(_ part: Part, _ cause: String) {
        let now = Clock.monotonicMicroseconds()
        state.withLock { state in
            var refusal = state.refusals[part] ?? Refusal(cause: cause, at: now)
            if !refusal.counts(at: now) {
                refusal.lasts = min(
                    refusal.lasts * 2, StoreHealth.refusalMicroseconds.upperBound)
            }
            (refusal.cause, refusal.at) = (cause, now)
            state.refusals[part] = refusal
        }
        look()
    }

    /// It has done what a request has asked for.
    func served(_ part: Part) {
        state.withLock { $0.refusals[part] = nil }
        succeeded(part)
    }

    /// A row or an index is damaged: what stands elsewhere is answered.
    func damaged(_ cause: String) {
        let isNew = state.withLock { state in
            state.damage.count < StoreHealth.causesMax && state.damage.insert(cause).inserted
        }
        if isNew {
            report(
                "the database is damaged: \(cause); requests that need the damaged part get 503. Let its "
                    + "operator look after it (pg_amcheck), or restore a backup")
        }
    }

    /// A connection that had been lost was made anew.
    func regained() {
        let now = Clock.monotonicMicroseconds()
        state.withLock { $0.regained = now }
    }

    /// After an outage, how long all servers have to come back and undo what they have answered 503, and
    /// how old what they undo may be.
    private static let undoMicroseconds = 3_000_000
    private static let undoAgeMilliseconds: Milliseconds = 30_000

    /// A code that looks used, right after an outage, may be good again in a moment: its exchange was
    /// answered 503 by another server, which undoes it as soon as it is back. Until then 503 is right, and
    /// a refusal might not be.
    func mayBeUndone(tokenIssuedAt: Milliseconds, now: Milliseconds) -> Bool {
        guard let regained = state.withLock({ $0.regained }) else { return false }
        return Clock.monotonicMicroseconds() - regained < StoreHealth.undoMicroseconds
            && now - tokenIssuedAt < StoreHealth.undoAgeMilliseconds
    }

    /// How long ago there was the last good answer, in microseconds; nil: there was none.
    func age(_ part: Part) -> Int? {
        let now = Clock.monotonicMicroseconds()
        return state.withLock { part == .writing ? $0.written : $0.read }.map { now - $0 }
    }

    /// nil: requests can be answered; otherwise how long ago the last good answer was. Any thread.
    var silence: Milliseconds? {
        isGood
            ? nil
            : Milliseconds([age(.writing), age(.reading)].compactMap { $0 }.max() ?? 0) / 1000
    }

    /// To be called often.
    func look() {
        let ages = [age(.writing), age(.reading)]
        let now = Clock.monotonicMicroseconds()
        let refusal = state.withLock { $0.refusal(at: now) }
        let isGood =
            refusal == nil
            && ages.allSatisfy { $0.map { $0 < StoreHealth.patienceMicroseconds } ?? false }
        good.store(isGood, ordering: .relaxed)
        let line: String? = state.withLock { state in
            if isGood {
                defer { state.told = [] }
                return state.told.isEmpty ? nil : "the database answers again"
            }
            // A first connection is no failure while it is made.
            let isStarting = ages.contains { $0 == nil } && state.cause == nil && refusal == nil
            let cause = refusal ?? state.cause ?? "the server is silent"
            guard !isStarting, state.told.count < StoreHealth.causesMax,
                state.told.insert(cause).inserted
            else { return nil }
            return refusal == nil
                ? "the store does not answer: \(cause); requests get 503 until it does"
                : "the database refuses what requests need: \(cause); they get 503 until it does not. Look "
                    + "after its disk, its tables and the rights of the server's role"
        }
        if let line { report(line) }
    }
}
