// Wakes a loop from another thread (`uv_async_t`).

import CLibUV
import Synchronization

/// Runs a closure on its loop soon after any thread has called `Sender.wake()`.
///
/// Several wakes before the loop gets to it may run the closure once (`uv_async_send(3)`), so it
/// must take everything that is waiting.
public final class Wakeup: Handle {
    private let onWake: () -> Void
    /// What other threads hold.
    public let sender = Sender()

    public init(_ loop: EventLoop, _ onWake: @escaping () -> Void) throws(UVError) {
        self.onWake = onWake
        try unsafe super.init(UV_ASYNC) { memory in
            unsafe uv_async_init(loop.raw, memory.assumingMemoryBound(to: uv_async_t.self)) {
                async in
                guard let owner = unsafe Handle.owner(of: async?.pointee.data, as: Wakeup.self)
                else { return }
                owner.onWake()
            }
        }
        unsafe sender.open(memory.assumingMemoryBound(to: uv_async_t.self))
    }

    override func willClose() { sender.close() }

    /// The part of a wake-up that may be given to any thread. After the wake-up is closed,
    /// `wake` does nothing: the lock makes sure that no freed memory is signalled.
    public final class Sender: Sendable {
        @safe private struct Target: @unchecked Sendable {
            // Valid while set: `willClose` clears it before libuv frees the handle.
            @safe var async: UnsafeMutablePointer<uv_async_t>?
        }
        private let target = Mutex(Target())

        fileprivate func open(_ async: UnsafeMutablePointer<uv_async_t>) {
            let new = unsafe Target(async: async)
            target.withLock { $0 = new }
        }

        fileprivate func close() {
            target.withLock { $0.async = nil }
        }

        /// Any thread.
        public func wake() {
            target.withLock { target in
                if let async = target.async { _ = unsafe uv_async_send(async) }
            }
        }
    }
}
