// The end of a loop's turn (`uv_prepare_t`).

import CLibUV

/// Runs a closure each time the loop is about to wait for the kernel: once for all that one turn
/// has brought. Keeps the loop running until it is closed.
public final class BeforeWait: Handle {
    private let onTurnEnd: () -> Void

    public init(_ loop: EventLoop, _ onTurnEnd: @escaping () -> Void) throws(UVError) {
        self.onTurnEnd = onTurnEnd
        try unsafe super.init(UV_PREPARE) { memory in
            unsafe uv_prepare_init(loop.raw, memory.assumingMemoryBound(to: uv_prepare_t.self))
        }
        let code = unsafe uv_prepare_start(
            memory.assumingMemoryBound(to: uv_prepare_t.self)
        ) { prepare in
            guard let owner = unsafe Handle.owner(of: prepare?.pointee.data, as: BeforeWait.self)
            else { return }
            owner.onTurnEnd()
        }
        precondition(code == 0, "uv_prepare_start fails only without a callback")
    }
}
