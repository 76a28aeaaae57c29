// The life of every libuv handle: init → open → closing → close callback → free. No other file
// frees handle memory, and no other file turns a Swift object into a pointer or back.

import CLibUV

/// One libuv handle and its memory.
///
/// libuv requires the memory to stay until the close callback (`uv_close(3)`). So an open handle
/// keeps itself alive: it holds a reference to itself from `init` to that callback, and dropping
/// the last outside reference never frees memory that libuv still uses. Every handle must
/// therefore be closed. All members belong to the thread of the handle's loop.
@safe public class Handle {
    enum Phase { case open, closing, closed }

    // Allocated in `init`, freed in the close callback and nowhere else.
    @safe let memory: UnsafeMutableRawPointer
    private(set) var phase = Phase.open

    /// True until `close` is called.
    public final var isOpen: Bool { phase == .open }

    /// Allocates a handle of `type` and initialises it with the given `uv_…_init`.
    ///
    /// - Throws: what `initialise` returned, with nothing left allocated.
    init(
        _ type: uv_handle_type, _ initialise: (UnsafeMutableRawPointer) -> Int32
    ) throws(UVError) {
        let size = uv_handle_size(type)
        memory = .allocate(byteCount: size, alignment: 16)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: size)
        let code = unsafe initialise(memory)
        if code < 0 {
            // uv_tcp_init_ex unlinks the handle again when it fails; the others cannot fail late.
            unsafe memory.deallocate()
            phase = .closed
            throw UVError(code: code)
        }
        // Released in the close callback.
        unsafe base.pointee.data = Unmanaged.passRetained(self).toOpaque()
    }

    @unsafe final var base: UnsafeMutablePointer<uv_handle_t> {
        unsafe memory.assumingMemoryBound(to: uv_handle_t.self)
    }

    /// The Swift object behind a pointer that a libuv callback was given.
    @inline(__always)
    static func owner<Owner: Handle>(
        of data: UnsafeMutableRawPointer?, as type: Owner.Type
    ) -> Owner? {
        // `data` was set in `init` and stays until the close callback has run.
        guard let data = unsafe data else { return nil }
        return unsafe unsafeDowncast(
            Unmanaged<Handle>.fromOpaque(data).takeUnretainedValue(), to: type)
    }

    /// Starts closing; safe to call twice.
    public final func close() {
        guard phase == .open else { return }
        phase = .closing
        willClose()
        unsafe uv_close(base) { handle in
            guard let owner = unsafe Handle.owner(of: handle?.pointee.data, as: Handle.self)
            else { return }
            owner.finishClosing()
        }
    }

    private func finishClosing() {
        phase = .closed
        didClose()
        unsafe memory.deallocate()
        // Balances `passRetained` in `init`.
        unsafe Unmanaged.passUnretained(self).release()
    }

    /// For subclasses: drops what must not outlive the handle's use. Runs inside `close`.
    func willClose() {}

    /// For subclasses: runs in the close callback, before the memory goes.
    func didClose() {}
}
