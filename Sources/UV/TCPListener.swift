// A listening TCP socket.

import CLibUV
import Glibc

/// Accepts connections on one address and hands each to a closure, on the loop's thread.
public final class TCPListener: Handle {
    /// Connections that may wait in the kernel; it caps this at `net.core.somaxconn`.
    public static let backlog: Int32 = 4096

    private let loop: EventLoop
    private var onConnection: ((TCPStream) -> Void)?
    private var onFailure: ((UVError) -> Void)?
    private var isPaused = false
    private var isOneWaiting = false

    /// Binds and listens.
    ///
    /// - Parameter sharesPort: sets `SO_REUSEPORT`, so that each loop has a listener of its own
    ///   on the same port. libuv has no flag for it before 1.49. A second *process* of the same
    ///   user could then join in unnoticed: first open the address once without it.
    ///   - listens: false only binds: the port is taken, and nobody can connect to it.
    ///   - onFailure: the listener cannot accept, as when descriptors have run out. It must be
    ///     closed: libuv tries again at once and does not return to the loop before that.
    /// - Throws: `UVError.addressInUse` and whatever else bind and listen can say.
    public init(
        _ loop: EventLoop, _ address: SocketAddress, sharesPort: Bool, listens: Bool = true,
        onFailure: ((UVError) -> Void)? = nil, _ onConnection: @escaping (TCPStream) -> Void
    ) throws(UVError) {
        self.loop = loop
        self.onConnection = onConnection
        self.onFailure = onFailure
        let family = UInt32(address.isIPv6 ? AF_INET6 : AF_INET)
        try unsafe super.init(UV_TCP) { memory in
            unsafe uv_tcp_init_ex(loop.raw, memory.assumingMemoryBound(to: uv_tcp_t.self), family)
        }
        var code = unsafe bind(address, sharesPort: sharesPort)
        // libuv tells of a taken port at the next call, whichever that is.
        if code == 0 { code = listens ? unsafe listen() : unsafe readAddress().code }
        if code < 0 {
            close()
            throw UVError(code: code)
        }
    }

    /// Listens on a socket that somebody else has bound, through a descriptor of its own: any number
    /// of loops may share the socket, and it goes on listening when they have all closed it.
    ///
    /// - Throws: what the kernel says; nothing is left open then.
    public init(
        _ loop: EventLoop, sharing descriptor: Int32, onFailure: ((UVError) -> Void)? = nil,
        _ onConnection: @escaping (TCPStream) -> Void
    ) throws(UVError) {
        self.loop = loop
        self.onConnection = onConnection
        self.onFailure = onFailure
        let own = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard own >= 0 else { throw UVError(code: -errno) }
        do throws(UVError) {
            try unsafe super.init(UV_TCP) { memory in
                unsafe uv_tcp_init(loop.raw, memory.assumingMemoryBound(to: uv_tcp_t.self))
            }
        } catch {
            Glibc.close(own)
            throw error
        }
        var code = unsafe uv_tcp_open(memory.assumingMemoryBound(to: uv_tcp_t.self), own)
        // Until it is opened the descriptor is ours; from then on closing the handle closes it.
        if code < 0 { Glibc.close(own) } else { code = unsafe listen() }
        if code < 0 {
            close()
            throw UVError(code: code)
        }
    }

    @unsafe private func bind(_ address: SocketAddress, sharesPort: Bool) -> Int32 {
        if sharesPort {
            var descriptor: uv_os_fd_t = -1
            var on: Int32 = 1
            guard unsafe uv_fileno(base, &descriptor) == 0,
                unsafe setsockopt(
                    descriptor, SOL_SOCKET, SO_REUSEPORT, &on, socklen_t(MemoryLayout<Int32>.size))
                    == 0
            else { return -errno }
        }
        var storage = sockaddr_storage()
        let parsed = unsafe address.fill(&storage)
        if parsed < 0 { return parsed }
        return unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe uv_tcp_bind(
                memory.assumingMemoryBound(to: uv_tcp_t.self),
                UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: sockaddr.self), 0)
        }
    }

    @unsafe private func listen() -> Int32 {
        unsafe uv_listen(
            memory.assumingMemoryBound(to: uv_stream_t.self), TCPListener.backlog
        ) { server, status in
            guard let owner = unsafe Handle.owner(of: server?.pointee.data, as: TCPListener.self)
            else { return }
            if status == 0 {
                owner.accept()
            } else {
                owner.onFailure?(UVError(code: status))
            }
        }
    }

    /// Leaves new connections in the kernel's queue until `resume`.
    public func pause() { isPaused = true }

    public func resume() {
        isPaused = false
        guard isOneWaiting else { return }
        isOneWaiting = false
        accept()
    }

    private func accept() {
        // libuv holds one connection that was not taken, and looks for no more until it is.
        if isPaused {
            isOneWaiting = true
            return
        }
        guard isOpen else { return }
        do throws(UVError) {
            onConnection?(try TCPStream(accepting: self, loop))
        } catch {
            // The client has gone again, or the kernel is short of memory: the connection is lost
            // either way, the listener is not.
        }
    }

    /// The port that the socket is bound to; the one the kernel chose where 0 was asked for.
    public var boundPort: UInt16 {
        isOpen ? unsafe readAddress().port : 0
    }

    /// Where the socket is bound; nil once it is closed.
    public var boundAddress: SocketAddress? {
        guard isOpen else { return nil }
        var storage = sockaddr_storage()
        var length = Int32(MemoryLayout<sockaddr_storage>.size)
        return unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            let raw = unsafe UnsafeMutableRawPointer(pointer)
                .assumingMemoryBound(to: sockaddr.self)
            guard
                unsafe uv_tcp_getsockname(
                    memory.assumingMemoryBound(to: uv_tcp_t.self), raw, &length) == 0
            else { return nil }
            return unsafe SocketAddress(raw)
        }
    }

    @unsafe private func readAddress() -> (code: Int32, port: UInt16) {
        var storage = sockaddr_storage()
        var length = Int32(MemoryLayout<sockaddr_storage>.size)
        return unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            let raw = UnsafeMutableRawPointer(pointer)
            let code = unsafe uv_tcp_getsockname(
                memory.assumingMemoryBound(to: uv_tcp_t.self),
                raw.assumingMemoryBound(to: sockaddr.self), &length)
            // The port stands at the same place in sockaddr_in and sockaddr_in6, in network order.
            let port = unsafe raw.assumingMemoryBound(to: sockaddr_in.self).pointee.sin_port
            return (code, port.bigEndian)
        }
    }

    override func willClose() {
        onConnection = nil
        onFailure = nil
    }
}
