// Sees to it that what has expired is forgotten, and that its memory goes back.

import Synchronization
import System
import Tokens
import UV

/// Lets a store forget what has expired, as soon as it has. The thread of its loop.
final class Expiry {
    private let loop: EventLoop
    private let store: any TokenStore
    private let clock: Timekeeper
    private let report: LoopReport
    private let timer: UV.Timer
    private let foldingTimer: UV.Timer
    private var next = Milliseconds.max
    private var release = MemoryRelease()

    init(
        _ loop: EventLoop, _ store: any TokenStore, _ clock: Timekeeper, _ census: CodeCensus,
        _ report: LoopReport
    ) throws(UVError) {
        self.loop = loop
        self.store = store
        self.clock = clock
        self.report = report
        timer = try Timer(loop)
        foldingTimer = try Timer(loop)
        let pause = UInt64(Expiry.pauseMilliseconds)
        // However long the store takes to answer.
        foldingTimer.start(afterMilliseconds: pause, repeatMilliseconds: pause) {
            census.fold(now: clock.now())
        }
    }

    func close() {
        timer.close()
        foldingTimer.close()
    }

    /// How long to wait before asking again, where nothing is stored yet, in milliseconds.
    private static let pauseMilliseconds: Milliseconds = 1000

    /// Lets the store forget what has expired, and arms the timer for the next time.
    func expire() {
        // A deletion cannot be undone, so nothing has expired while the time is in doubt. The store is
        // asked all the same: so it finds out whether it works again.
        let now = clock.isSure ? clock.now() : 0
        let wasDue = next <= now
        store.removeExpired(now: now) { [weak self] result in
            let known: Milliseconds? =
                switch result {
                case .success(let next): next
                case .failure: nil
                }
            self?.expired(now, next: known, wasDue: wasDue)
        }
    }

    private func expired(_ now: Milliseconds, next known: Milliseconds?, wasDue: Bool) {
        next = known ?? .max
        releaseMemory(wasDue: wasDue)
        // A code made meanwhile may be due before what was oldest, so never wait long.
        let wait = min(max((known ?? .max) - now, 1), Expiry.pauseMilliseconds)
        timer.start(afterMilliseconds: UInt64(wait)) { [weak self] in self?.expire() }
    }

    private func releaseMemory(wasDue: Bool) {
        let closed = report.closedConnections.load(ordering: .relaxed)
        let now = loop.monotonicMilliseconds
        if release.isDue(now: now, hasExpired: wasDue, closed: closed) {
            Machine.releaseFreeMemory()
        }
    }
}
