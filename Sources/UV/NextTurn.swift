// The loop's next turn (`uv_idle_t`): for work that is to wait until everybody else has had theirs.

import CLibUV

/// Runs a closure once, in the loop's next turn. Until then the loop does not wait for the kernel.
public final class NextTurn: Handle {
    private let onTurn: () -> Void
    private var isAwaited = false

    public init(_ loop: EventLoop, _ onTurn: @escaping () -> Void) throws(UVError) {
        self.onTurn = onTurn
        try unsafe super.init(UV_IDLE) { memory in
            unsafe uv_idle_init(loop.raw, memory.assumingMemoryBound(to: uv_idle_t.self))
        }
    }

    /// Asks for the next turn. Asking twice is asking once.
    public func await() {
        guard isOpen, !isAwaited else { return }
        isAwaited = true
        let code = unsafe uv_idle_start(memory.assumingMemoryBound(to: uv_idle_t.self)) { idle in
            guard let owner = unsafe Handle.owner(of: idle?.pointee.data, as: NextTurn.self)
            else { return }
            owner.came()
        }
        precondition(code == 0, "uv_idle_start fails only without a callback")
    }

    private func came() {
        isAwaited = false
        // Before the closure, which may ask again.
        _ = unsafe uv_idle_stop(memory.assumingMemoryBound(to: uv_idle_t.self))
        onTurn()
    }
}
