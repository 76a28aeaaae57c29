// One TCP connection: reads are pushed to a handler, writes go out at once or queue.

import CLibUV
import Glibc

/// A connected TCP stream. An open stream holds its handler, until it is closed.
public final class TCPStream: Handle, ByteStream {
    private var handler: (any ByteStreamHandler)?
    private var hasFailed = false
    private var hasEnded = false
    private var isReading = false

    /// Takes over a connected socket, whose listener has turned Nagle's algorithm off.
    ///
    /// - Throws: what libuv says; the socket is closed then.
    init(_ loop: EventLoop, accepted descriptor: Int32) throws(UVError) {
        do throws(UVError) {
            try unsafe super.init(UV_TCP) { memory in
                unsafe uv_tcp_init(loop.raw, memory.assumingMemoryBound(to: uv_tcp_t.self))
            }
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        let code = unsafe uv_tcp_open(
            memory.assumingMemoryBound(to: uv_tcp_t.self), descriptor)
        if code < 0 {
            // Until it is opened the descriptor is ours; from then on closing the handle closes it.
            Glibc.close(descriptor)
            close()
            throw UVError(code: code)
        }
    }

    /// Connects to `address`. What is written before it is connected goes out then, and reading
    /// begins. Where nobody answers there, `handler` gets `failed`, from the loop.
    ///
    /// - Throws: `UVError` where the attempt cannot even begin, as without a route.
    public init(
        _ loop: EventLoop, connectingTo address: SocketAddress, _ handler: any ByteStreamHandler
    ) throws(UVError) {
        try unsafe super.init(UV_TCP) { memory in
            unsafe uv_tcp_init(loop.raw, memory.assumingMemoryBound(to: uv_tcp_t.self))
        }
        let code = unsafe connect(to: address)
        if code < 0 {
            close()
            throw UVError(code: code)
        }
        self.handler = handler
    }

    @unsafe private func connect(to address: SocketAddress) -> Int32 {
        var storage = sockaddr_storage()
        let parsed = unsafe address.fill(&storage)
        if parsed < 0 { return parsed }
        // Freed by its callback, which comes in any case: with ECANCELED where the stream closes.
        let request = UnsafeMutablePointer<uv_connect_t>.allocate(capacity: 1)
        let code = unsafe withUnsafePointer(to: &storage) { pointer in
            unsafe uv_tcp_connect(
                request, memory.assumingMemoryBound(to: uv_tcp_t.self),
                UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self)
            ) { request, status in
                guard let request = unsafe request else { return }
                let owner = unsafe Handle.owner(
                    of: request.pointee.handle.pointee.data, as: TCPStream.self)
                unsafe request.deallocate()
                owner?.finishConnecting(status)
            }
        }
        if code < 0 { unsafe request.deallocate() }
        return code
    }

    private func finishConnecting(_ status: Int32) {
        guard isOpen else { return }
        if status < 0 {
            fail(status)
        } else {
            resumeReading()
        }
    }

    @unsafe private var stream: UnsafeMutablePointer<uv_stream_t> {
        unsafe memory.assumingMemoryBound(to: uv_stream_t.self)
    }

    /// There is no handshake.
    public var isReady: Bool { true }

    /// Sets the handler and starts reading.
    public func start(_ handler: any ByteStreamHandler) {
        self.handler = handler
        resumeReading()
    }

    public func resumeReading() {
        guard isOpen, !hasEnded, !isReading else { return }
        // It is refused where there is nothing to tell: the stream is not connected yet, or has failed.
        let code = unsafe uv_read_start(
            stream,
            { handle, _, buffer in
                guard let handle = unsafe handle, let buffer = unsafe buffer else { return }
                // The loop's shared buffer; `EventLoop.init` put it there.
                unsafe buffer.pointee.base = handle.pointee.loop.pointee.data
                    .assumingMemoryBound(to: CChar.self)
                unsafe buffer.pointee.len = EventLoop.readBufferBytes
            },
            { handle, count, buffer in
                guard let buffer = unsafe buffer,
                    let owner = unsafe Handle.owner(of: handle?.pointee.data, as: TCPStream.self)
                else { return }
                unsafe owner.finishRead(count, buffer.pointee.base)
            })
        isReading = code == 0
    }

    @unsafe private func finishRead(_ count: Int, _ base: UnsafeMutablePointer<CChar>?) {
        guard isOpen, let handler else { return }
        if count > 0 {
            // Borrowed for the call only: the next read of any stream overwrites it.
            let bytes = unsafe UnsafeRawBufferPointer(start: base, count: count)
            unsafe handler.received(bytes.bindMemory(to: UInt8.self).span)
        } else if count == Int(UV_EOF.rawValue) {
            hasEnded = true
            handler.receivedEnd()
        } else if count < 0 {
            fail(Int32(count))
        }
        // 0 is EAGAIN, not the end (`uv_read_start(3)`).
    }

    /// Without it the kernel waits for up to 40 ms for an answer to send the acknowledgement along with.
    public func acknowledgeAtOnce() {
        guard let descriptor else { return }
        var on: Int32 = 1
        // Only for the time of the call. Refused, as by what is no TCP socket, it costs the peer its time.
        _ = unsafe setsockopt(
            descriptor, Int32(IPPROTO_TCP), TCP_QUICKACK, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    public func pauseReading() {
        guard isOpen else { return }
        isReading = false
        _ = unsafe uv_read_stop(stream)
    }

    /// Bytes that the kernel has not yet taken.
    public var queuedBytes: Int {
        isOpen ? unsafe uv_stream_get_write_queue_size(stream) : 0
    }

    /// `SIOCOUTQ` (tcp(7)).
    public var undeliveredBytes: Int {
        guard let descriptor else { return 0 }
        var count: Int32 = 0
        guard unsafe ioctl(descriptor, UInt(TIOCOUTQ), &count) == 0 else { return queuedBytes }
        return queuedBytes + Int(count)
    }

    /// Sends the bytes: at once as far as the kernel takes them, the rest from a queue of copies.
    /// Order is kept. A failure reaches the handler, now or later.
    public func write(_ bytes: Span<UInt8>) {
        guard isOpen, !bytes.isEmpty else { return }
        unsafe bytes.withUnsafeBytes { raw in
            var buffer = unsafe uv_buf_t(
                base: UnsafeMutablePointer(
                    mutating: raw.baseAddress?.assumingMemoryBound(to: CChar.self)),
                len: raw.count)
            let written = unsafe uv_try_write(stream, &buffer, 1)
            if written == raw.count { return }
            if written < 0, written != UV_EAGAIN.rawValue {
                fail(written)
                return
            }
            unsafe queue(UnsafeRawBufferPointer(rebasing: raw.dropFirst(Int(max(written, 0)))))
        }
    }

    /// What is last waits in the kernel for the end (`MSG_MORE`, `send(2)`).
    public func writeLast(_ bytes: Span<UInt8>) {
        guard queuedBytes == 0, let descriptor else { return write(bytes) }
        let sent = unsafe bytes.withUnsafeBytes { raw in
            unsafe send(
                descriptor, raw.baseAddress, raw.count,
                Int32(MSG_MORE | MSG_DONTWAIT | MSG_NOSIGNAL))
        }
        // What the kernel does not take is queued, and what it refuses is refused once more and told.
        write(bytes.extracting(droppingFirst: max(sent, 0)))
    }

    var descriptor: uv_os_fd_t? {
        guard isOpen else { return nil }
        var descriptor: uv_os_fd_t = -1
        return unsafe uv_fileno(base, &descriptor) == 0 ? descriptor : nil
    }

    /// Copies `rest` behind a write request in one allocation, which its callback frees.
    @unsafe private func queue(_ rest: UnsafeRawBufferPointer) {
        let head = unsafe MemoryLayout<uv_write_t>.size
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: head + rest.count, alignment: 16)
        let request = unsafe memory.bindMemory(to: uv_write_t.self, capacity: 1)
        let body = unsafe memory + head
        unsafe body.copyMemory(
            from: rest.baseAddress ?? UnsafeRawPointer(body), byteCount: rest.count)
        var buffer = unsafe uv_buf_t(
            base: body.assumingMemoryBound(to: CChar.self), len: rest.count)
        let code = unsafe uv_write(request, stream, &buffer, 1) { request, status in
            guard let request = unsafe request else { return }
            let owner = unsafe Handle.owner(
                of: request.pointee.handle.pointee.data, as: TCPStream.self)
            unsafe UnsafeMutableRawPointer(request).deallocate()
            owner?.finishWrite(status)
        }
        if code < 0 {
            unsafe memory.deallocate()
            fail(code)
        }
    }

    private func finishWrite(_ status: Int32) {
        guard isOpen else { return }
        if status < 0 {
            fail(status)
        } else if queuedBytes == 0 {
            handler?.drained()
        }
    }

    /// Tells the handler, once.
    private func fail(_ code: Int32) {
        guard isOpen, !hasFailed else { return }
        hasFailed = true
        handler?.failed(.connection(UVError(code: code)))
    }

    /// Sends FIN once everything queued has gone out (`shutdown(2)`, `uv_shutdown`); reading goes on.
    public func finishSending() {
        guard isOpen else { return }
        // Nothing waits: libuv would take another turn of the loop, and a system call more.
        if queuedBytes == 0, let descriptor, shutdown(descriptor, Int32(SHUT_WR)) == 0 { return }
        let request = UnsafeMutablePointer<uv_shutdown_t>.allocate(capacity: 1)
        let code = unsafe uv_shutdown(request, stream) { request, _ in
            // The only owner of the request; a failure also shows in reading or in the close.
            unsafe request?.deallocate()
        }
        if code < 0 { unsafe request.deallocate() }
    }

    /// Closes with a reset: what the peer has not read goes at once, instead of staying in the
    /// kernel until the peer reads it or is given up (`SO_LINGER` with no time, `socket(7)`).
    /// `uv_tcp_close_reset` does the same, but refuses while `finishSending` waits for its turn, which
    /// is just when a client that does not read has to go.
    public func reset() {
        guard isOpen else { return }
        var now = linger(l_onoff: 1, l_linger: 0)
        if let descriptor {
            // Where it fails the close is an ordinary one.
            _ = unsafe setsockopt(
                descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
        }
        close()
    }

    override func didClose() {
        handler?.closed()
        handler = nil
    }
}
