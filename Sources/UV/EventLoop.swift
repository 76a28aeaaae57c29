// One libuv loop and the things that are one per loop: its read buffer and its clock.

import CLibUV

/// A libuv event loop. Made, run and dropped on one thread.
@safe public final class EventLoop {
    /// What one read may bring at most, in bytes. One buffer serves all connections of the loop.
    public static let readBufferBytes = 64 * 1024

    // Freed in `deinit`, after `uv_loop_close` has confirmed that no handle is left.
    @safe let raw: UnsafeMutablePointer<uv_loop_t>
    @safe private let readBuffer: UnsafeMutableRawPointer

    /// - Throws: `UVError` where the kernel refuses another epoll instance.
    public init() throws(UVError) {
        raw = .allocate(capacity: 1)
        readBuffer = .allocate(byteCount: EventLoop.readBufferBytes, alignment: 64)
        let code = unsafe uv_loop_init(raw)
        if code < 0 {
            unsafe raw.deallocate()
            unsafe readBuffer.deallocate()
            throw UVError(code: code)
        }
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

    /// Monotonic milliseconds, read once per loop turn (`uv_now`).
    public var monotonicMilliseconds: UInt64 {
        unsafe uv_now(raw)
    }
}
