// Wakes a loop from another thread. Not by `uv_async_t`: its loop's thread spins until the one that woke it
// has returned from the kernel, which on the same processor takes as long as the whole spinning.

import CLibUV
import Glibc
import Synchronization
import System

/// Runs a closure on its loop soon after any thread has called `Sender.wake()`.
///
/// Several wakes before the loop gets to it run the closure once, so it must take everything that is
/// waiting.
public final class Wakeup: Handle {
    private let onWake: () -> Void
    /// What other threads hold.
    public let sender: Sender

    /// - Throws: `UVError` where there is no descriptor left.
    public init(_ loop: EventLoop, _ onWake: @escaping () -> Void) throws(UVError) {
        guard let signal = WakeSignal() else { throw UVError(code: -errno) }
        self.onWake = onWake
        sender = Sender(signal)
        try unsafe super.init(UV_POLL) { memory in
            unsafe uv_poll_init(
                loop.raw, memory.assumingMemoryBound(to: uv_poll_t.self), signal.descriptor)
        }
        let code = unsafe uv_poll_start(
            memory.assumingMemoryBound(to: uv_poll_t.self), Int32(UV_READABLE.rawValue)
        ) { poll, _, _ in
            guard let owner = unsafe Handle.owner(of: poll?.pointee.data, as: Wakeup.self)
            else { return }
            owner.sender.beginWake()
            owner.onWake()
        }
        precondition(code == 0, "uv_poll_start fails only where two watch one descriptor")
    }

    /// The part of a wake-up that may be given to any thread. After the wake-up is closed, `wake` does
    /// nothing: the descriptor is there for as long as the sender, and nobody watches it.
    public final class Sender: Sendable {
        private let signal: WakeSignal
        /// It is raised, and the closure has not begun since.
        private let isRaised = Atomic(false)

        fileprivate init(_ signal: WakeSignal) { self.signal = signal }

        /// Any thread.
        public func wake() {
            if !isRaised.exchange(true, ordering: .acquiringAndReleasing) { signal.raise() }
        }

        /// What was done before any `wake` so far can be seen from here on; a later one wakes again.
        fileprivate func beginWake() {
            signal.lower()
            _ = isRaised.exchange(false, ordering: .acquiringAndReleasing)
        }
    }
}
