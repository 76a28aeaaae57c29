// A libuv timer.

import CLibUV

/// Calls a closure after a delay, once or repeatedly, on the loop's thread.
public final class Timer: Handle {
    private var onFire: (() -> Void)?

    public init(_ loop: EventLoop) throws(UVError) {
        try unsafe super.init(UV_TIMER) { memory in
            unsafe uv_timer_init(loop.raw, memory.assumingMemoryBound(to: uv_timer_t.self))
        }
    }

    /// Arms the timer, replacing what was armed before.
    ///
    /// - Parameters:
    ///   - milliseconds: from the loop's present turn.
    ///   - repeatMilliseconds: 0 fires once.
    public func start(
        afterMilliseconds milliseconds: UInt64, repeatMilliseconds: UInt64 = 0,
        _ onFire: @escaping () -> Void
    ) {
        guard isOpen else { return }
        self.onFire = onFire
        let code = unsafe uv_timer_start(
            memory.assumingMemoryBound(to: uv_timer_t.self),
            { timer in
                guard let owner = unsafe Handle.owner(of: timer?.pointee.data, as: Timer.self)
                else { return }
                owner.onFire?()
            }, milliseconds, repeatMilliseconds)
        precondition(code == 0, "uv_timer_start fails only for a closing handle or no callback")
    }

    public func stop() {
        guard isOpen else { return }
        _ = unsafe uv_timer_stop(memory.assumingMemoryBound(to: uv_timer_t.self))
        onFire = nil
    }

    override func willClose() { onFire = nil }
}
