// Lets the store's writer write down how far the registry has come.

import Glibc
import StoreThreads
import System
import Tokens

/// Used by one thread, beside the writer's.
final class RegistryMemory {
    /// What requests may see by now.
    private(set) var newest: RegistryMark
    private let jobs: ParcelQueue<Job, JobAnswer>
    private var answers: Mailbox<JobAnswer>?
    /// What the store has not confirmed yet.
    private var isOpen = false
    private var askedAt = 0

    private static let patienceMicroseconds = 1_000_000
    private static let pauseMicroseconds: useconds_t = 1_000

    /// - Parameter newest: what the store remembers now.
    init(_ newest: RegistryMark, _ jobs: ParcelQueue<Job, JobAnswer>) {
        self.newest = newest
        self.jobs = jobs
    }

    /// Returns when it is on disk. A store that takes no changes is waited for a second at the most:
    /// it stores no code or token of the new registry either, and to disable somebody must not wait.
    func remember(_ mark: RegistryMark) {
        guard mark != newest else { return }
        newest = mark
        ask()
        while isOpen, Clock.monotonicMicroseconds() - askedAt < RegistryMemory.patienceMicroseconds
        {
            usleep(RegistryMemory.pauseMicroseconds)
            collect()
        }
    }

    /// Asks again for what the store could not write, once a second.
    func retry() {
        guard isOpen else { return }
        collect()
        guard isOpen, Clock.monotonicMicroseconds() - askedAt >= RegistryMemory.patienceMicroseconds
        else { return }
        ask()
    }

    private func ask() {
        isOpen = true
        askedAt = Clock.monotonicMicroseconds()
        // An answer to what was asked before says nothing of this.
        let answers = Mailbox<JobAnswer>()
        self.answers = answers
        let isQueued = jobs.add(Parcel(jobs: [.remember(newest)], mailbox: answers))
        if !isQueued { self.answers = nil }
    }

    private func collect() {
        guard let answer = answers?.take().first?.answers.first else { return }
        answers = nil
        if case .success = answer { isOpen = false }
    }
}
