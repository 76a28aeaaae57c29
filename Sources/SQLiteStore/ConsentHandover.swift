// Consents that commands have revoked, on their way from the registry's file into the store.

import Glibc
import StoreThreads
import System
import Tokens

/// Used by one thread, beside the writer's.
final class ConsentHandover {
    private let jobs: ParcelQueue<Job, JobAnswer>
    /// The store has all that came with the versions up to this one.
    private var version: Int64
    private var asked: Asked?

    /// What the store has been asked to take, and has not said yet that it has.
    private struct Asked {
        let answers = Mailbox<JobAnswer>()
        let version: Int64
        var missing: Int
        var hasFailed = false
    }

    private static let patienceMicroseconds = 1_000_000
    private static let pauseMicroseconds: useconds_t = 1_000

    /// - Parameter version: the store has all up to there.
    init(_ version: Int64, _ jobs: ParcelQueue<Job, JobAnswer>) {
        self.version = version
        self.jobs = jobs
    }

    /// Another file has come in the place of the registry: all that is in it counts.
    func beginAnew() {
        version = -1
        asked = nil
    }

    /// Returns when the store has on disk what commands have revoked. Waits for a second at the most: to
    /// disable somebody must not wait for a disk that hangs. May be called again until it returns.
    ///
    /// - Throws: where the store has not taken it yet.
    func handOver(from registry: SQLiteRegistry) throws {
        let end = Clock.monotonicMicroseconds() + ConsentHandover.patienceMicroseconds
        // What the store has in hand from before may not be all that there is by now.
        try awaitAnswers(until: end)
        try ask(try registry.consents(after: version))
        try awaitAnswers(until: end)
    }

    private func awaitAnswers(until end: Int) throws(StoreFailure) {
        while var asked {
            for answer in asked.answers.take().flatMap(\.answers) {
                asked.missing -= 1
                if case .failure = answer { asked.hasFailed = true }
            }
            self.asked = asked.missing == 0 ? nil : asked
            guard asked.missing > 0 else {
                if asked.hasFailed { throw ConsentHandover.refusal }
                return version = asked.version
            }
            guard Clock.monotonicMicroseconds() < end else { throw ConsentHandover.refusal }
            usleep(ConsentHandover.pauseMicroseconds)
        }
    }

    private func ask(_ consents: [RevokedConsent]) throws(StoreFailure) {
        guard let last = consents.last else { return }
        var asked = Asked(version: last.version, missing: 0)
        for start in stride(from: 0, to: consents.count, by: Parcel<Job, JobAnswer>.jobsMax) {
            let part = consents[start...].prefix(Parcel<Job, JobAnswer>.jobsMax)
            let parcel = Parcel<Job, JobAnswer>(
                jobs: part.map { .takeOver($0.consent, until: $0.until) }[...],
                mailbox: asked.answers)
            guard jobs.add(parcel) else { throw ConsentHandover.refusal }
            asked.missing += part.count
        }
        self.asked = asked
    }

    private static let refusal = StoreFailure(
        "the store does not take the consents that commands have revoked, so they are alive until "
            + "it does")
}
