// Sees to it that what has expired is forgotten, and that its memory goes back.

import Synchronization
import System
import Tokens
import UV

/// Lets a store forget what has expired, as soon as it has. The thread of its loop.
final class Expiry {
    private let store: any TokenStore
    private let clock: Timekeeper
    private let census: CodeCensus
    private let report: LoopReport
    private let timer: UV.Timer
    private var next = Milliseconds.max
    private var hasFreed = false
    private var connectionsSeenClosed = 0
    private var releasedAt: Milliseconds = 0

    init(
        _ loop: EventLoop, _ store: any TokenStore, _ clock: Timekeeper, _ census: CodeCensus,
        _ report: LoopReport
    ) throws(UVError) {
        self.store = store
        self.clock = clock
        self.census = census
        self.report = report
        timer = try Timer(loop)
    }

    func close() { timer.close() }

    /// How long to wait before asking again, where nothing is stored yet, in milliseconds.
    private static let pauseMilliseconds: Milliseconds = 1000

    /// While something expires all the time, free memory goes back this often, in milliseconds.
    private static let releaseMilliseconds: Milliseconds = 30_000

    /// Lets the store forget what has expired, and arms the timer for the next time.
    func expire() {
        census.fold(now: clock.now())
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
        releaseMemory(now, wasDue: wasDue)
        // A code made meanwhile may be due before what was oldest, so never wait long.
        let wait = min(max((known ?? .max) - now, 1), Expiry.pauseMilliseconds)
        timer.start(afterMilliseconds: UInt64(wait)) { [weak self] in self?.expire() }
    }

    /// As many closed connections leave megabytes.
    private static let crowd = 1000

    /// What has expired is free, and what a crowd of clients took, but the allocator keeps it until
    /// it is told otherwise. That takes milliseconds, so it waits until nothing more is due.
    private func releaseMemory(_ now: Milliseconds, wasDue: Bool) {
        let closed = report.closedConnections.load(ordering: .relaxed)
        let isBusy = wasDue || closed - connectionsSeenClosed >= Expiry.crowd
        if isBusy { (hasFreed, connectionsSeenClosed) = (true, closed) }
        guard hasFreed, !isBusy || now - releasedAt >= Expiry.releaseMilliseconds else { return }
        Machine.releaseFreeMemory()
        hasFreed = false
        releasedAt = now
    }
}
