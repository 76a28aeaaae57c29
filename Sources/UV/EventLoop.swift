// One libuv loop and the things that are one per loop: its read buffer and its clock.

import CLibUV
import System

/// A libuv event loop. Made, run and dropped on one thread.
@safe public final class EventLoop {
    /// What one read may bring at most, in bytes. One buffer serves all connections of the loop.
    public static let readBufferBytes = 64 * 1024

    /// Two for libuv's own lock, of the first loop; two for signals; epoll and the wake-up.
    private static let pipesAtStart = 3

    // Freed in `deinit`, after `uv_loop_close` has confirmed that no handle is left.
    @safe let raw: UnsafeMutablePointer<uv_loop_t>
    @safe private let readBuffer: UnsafeMutableRawPointer

    /// - Throws: `UVError` where the kernel refuses one of the descriptors that a loop takes.
    public init() throws(UVError) {
        // The first loop of a process opens a pipe for which libuv 1.44 takes no refusal: it aborts.
        let refused = Descriptors.tryPipes(EventLoop.pipesAtStart)
        if refused < 0 { throw UVError(code: refused) }
        let raw = UnsafeMutablePointer<uv_loop_t>.allocate(capacity: 1)
        let code = unsafe uv_loop_init(raw)
        if code < 0 {
            // Before the members are set: a throw after that would run `deinit`, on a loop that is none.
            unsafe raw.deallocate()
            throw UVError(code: code)
        }
        unsafe self.raw = raw
        readBuffer = .allocate(byteCount: EventLoop.readBufferBytes, alignment: 64)
        // The allocation callback finds the buffer here without touching a Swift object.
        unsafe raw.pointee.data = readBuffer
    }

    deinit {
        let code = unsafe uv_loop_close(raw)
        precondition(code == 0, "an event loop was dropped with open handles")
        unsafe raw.deallocate()
        unsafe readBuffer.deallocate()
    }

    /// Runs until no active handle is left.
    public func run() {
        _ = unsafe uv_run(raw, UV_RUN_DEFAULT)
    }

    /// Runs what is ready now, without waiting. For tests.
    public func runOnce() {
        _ = unsafe uv_run(raw, UV_RUN_NOWAIT)
    }

    /// Closes every handle on the loop, whoever made it, and runs their close callbacks: for a start that
    /// has failed halfway. The loop can be dropped then. Not from inside a callback of the loop.
    public func abandon() {
        unsafe uv_walk(
            raw,
            { handle, _ in
                // Every handle that libuv shows here was made by `Handle.init`.
                let owner = unsafe Handle.owner(of: handle?.pointee.data, as: Handle.self)
                owner?.close()
            }, nil)
        run()
    }

    /// Monotonic milliseconds, read once per loop turn (`uv_now`).
    public var monotonicMilliseconds: UInt64 {
        unsafe uv_now(raw)
    }
}
