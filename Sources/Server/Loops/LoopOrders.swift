// What the main thread tells a public loop.

import Synchronization
import UV

/// Any thread gives orders; the loop's thread carries them out.
final class LoopOrders: Sendable {
    private struct State {
        var isStopping = false
        var limits: ServerLimits?
    }
    private final class Pending: Sendable {
        let state = Mutex(State())
    }

    private let pending: Pending
    private let wakeup: Wakeup.Sender

    /// - Parameter onStopped: on the loop's thread, when the loop has nothing more to do.
    init(
        _ loop: EventLoop, _ serving: ServingLoop, onStopped: @escaping () -> Void
    ) throws(UVError) {
        let pending = Pending()
        self.pending = pending
        // It holds itself until it is closed.
        weak var receiver: Wakeup?
        let wakeup = try Wakeup(loop) {
            let orders = pending.state.withLock { state in
                defer { state.limits = nil }
                return state
            }
            if let limits = orders.limits { serving.reload(limits) }
            guard orders.isStopping else { return }
            serving.stop {
                onStopped()
                receiver?.close()
            }
        }
        receiver = wakeup
        self.wakeup = wakeup.sender
    }

    func stop() {
        pending.state.withLock { $0.isStopping = true }
        wakeup.wake()
    }

    func reload(_ limits: ServerLimits) {
        pending.state.withLock { $0.limits = limits }
        wakeup.wake()
    }
}
