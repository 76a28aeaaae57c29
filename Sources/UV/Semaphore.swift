// A counting semaphore, for threads that wait for work without a loop.

import CLibUV

/// Any thread may post and wait.
@safe public final class Semaphore: @unchecked Sendable {
    // Initialised in `init`, destroyed in `deinit`, when no thread can be waiting any more: a
    // waiting thread holds a reference. Its address must not change, so it has memory of its own.
    @safe private let memory: UnsafeMutablePointer<uv_sem_t>

    public init() {
        memory = .allocate(capacity: 1)
        let code = unsafe uv_sem_init(memory, 0)
        precondition(code == 0, "a semaphore needs no resource that can run out")
    }

    deinit {
        unsafe uv_sem_destroy(memory)
        unsafe memory.deallocate()
    }

    public func post() {
        unsafe uv_sem_post(memory)
    }

    /// Blocks until a post is left, and takes it.
    public func wait() {
        unsafe uv_sem_wait(memory)
    }
}
