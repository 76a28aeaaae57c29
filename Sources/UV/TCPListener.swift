// A listening TCP socket. It accepts by itself: libuv's listener goes on until the kernel has nothing left,
// whatever the errors, hides some of them, and ends clients that wait where descriptors have run out
// (`uv__server_io`, `uv__emfile_trick` in 1.44).

import CLibUV
import Glibc
import System

/// Accepts connections on one address and hands each to a closure, on the loop's thread. An open listener
/// keeps itself alive; every listener must be closed.
public final class TCPListener {
    /// Connections that may wait in the kernel; it caps this at `net.core.somaxconn`.
    public static let backlog: Int32 = 4096
    /// Connections taken in one turn of the loop; the next come in the next turn.
    static let connectionsPerTurnMax = 256
    /// How long nothing must make it pause until that is over, in milliseconds.
    static let calmMilliseconds: UInt64 = 1000

    private let loop: EventLoop
    // Closed in `close`, and in `init` where that throws.
    private let descriptor: Int32
    private let pauseMilliseconds: UInt64
    private var poller: Poller?
    private var timer: Timer?
    private var onConnection: ((TCPStream) -> Void)?
    private var onTrouble: ((AcceptTrouble) -> Void)?
    /// Asked before each connection is taken; false leaves it in the kernel's queue. Whoever says so of
    /// one that waits calls `pause`, or is asked again at once.
    ///
    /// - Parameter isWaiting: false where it is not known yet whether there is another one.
    public var mayAccept: ((_ isWaiting: Bool) -> Bool)?
    private var errors = AcceptErrors()
    /// The owner wants no connections now.
    private var isPaused = false
    /// An error wants a pause.
    private var isResting = false
    private var isInTrouble = false
    public private(set) var isOpen = true

    /// Binds and listens.
    ///
    /// - Parameters:
    ///   - sharesPort: sets `SO_REUSEPORT`, so that each loop has a listener of its own on the same
    ///     port. A second *process* of the same user could then join in unnoticed: first open the
    ///     address once without it.
    ///   - pauseMilliseconds: between attempts, while connections cannot be taken.
    ///   - onTrouble: hears of connections that could not be taken.
    /// - Throws: what the kernel says; nothing is left open then.
    public convenience init(
        _ loop: EventLoop, _ address: SocketAddress, sharesPort: Bool,
        pauseMilliseconds: UInt64 = 100, onTrouble: ((AcceptTrouble) -> Void)? = nil,
        _ onConnection: @escaping (TCPStream) -> Void
    ) throws(ListenFailure) {
        let bound = try BoundSocket(address, sharesPort: sharesPort)
        try self.init(
            loop, owning: bound.descriptor, pauseMilliseconds, onTrouble, onConnection)
    }

    /// Listens on a socket that somebody else has bound, through a descriptor of its own: any number
    /// of loops may share the socket, and it goes on listening when they have all closed it.
    ///
    /// - Throws: what the kernel says; nothing is left open then.
    public convenience init(
        _ loop: EventLoop, sharing descriptor: Int32, pauseMilliseconds: UInt64 = 100,
        onTrouble: ((AcceptTrouble) -> Void)? = nil, _ onConnection: @escaping (TCPStream) -> Void
    ) throws(ListenFailure) {
        let own = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard own >= 0 else { throw ListenFailure(opening: -errno) }
        try self.init(loop, owning: own, pauseMilliseconds, onTrouble, onConnection)
    }

    private init(
        _ loop: EventLoop, owning descriptor: Int32, _ pauseMilliseconds: UInt64,
        _ onTrouble: ((AcceptTrouble) -> Void)?, _ onConnection: @escaping (TCPStream) -> Void
    ) throws(ListenFailure) {
        self.loop = loop
        self.descriptor = descriptor
        self.pauseMilliseconds = pauseMilliseconds
        self.onTrouble = onTrouble
        self.onConnection = onConnection
        do throws(ListenFailure) {
            guard Glibc.listen(descriptor, TCPListener.backlog) == 0 else {
                throw ListenFailure(binding: -errno)
            }
            disableNagle()
            try watch()
        } catch {
            close()
            throw error
        }
    }

    private func watch() throws(ListenFailure) {
        do throws(UVError) {
            timer = try Timer(loop)
            // The poller holds the listener, until it is closed.
            poller = try Poller(loop, descriptor) { [self] events in
                switch events {
                case .success: accept()
                case .failure(let error): rest(error)
                }
            }
        } catch {
            throw .resource(error)
        }
        poller?.watch(.readable)
    }

    /// Each connection inherits this, so that none needs a system call of its own for it (tcp(7)). Where it
    /// is refused, as on no TCP socket, answers may come later and are right.
    private func disableNagle() {
        var on: Int32 = 1
        // Only for the time of the call.
        _ = unsafe setsockopt(
            descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    private var isAccepting: Bool { isOpen && !isPaused && !isResting }

    /// Leaves new connections in the kernel's queue until `resume`.
    public func pause() {
        isPaused = true
        poller?.stop()
    }

    /// Costs nothing where it is not paused: to watch once more would be two system calls.
    public func resume() {
        guard isPaused else { return }
        isPaused = false
        if isAccepting { poller?.watch(.readable) }
    }

    private func accept() {
        var left = TCPListener.connectionsPerTurnMax
        while isAccepting, left > 0 {
            if let mayAccept, !mayAccept(left == TCPListener.connectionsPerTurnMax) { return }
            left -= 1
            let accepted = Descriptors.accept(descriptor)
            if accepted == UV_EAGAIN.rawValue { return }
            if accepted < 0 {
                failed(UVError(code: accepted))
            } else {
                take(accepted)
            }
        }
    }

    private func take(_ accepted: Int32) {
        do throws(UVError) {
            let stream = try TCPStream(loop, accepted: accepted)
            errors.succeeded()
            onConnection?(stream)
        } catch {
            failed(error)
        }
    }

    private func failed(_ error: UVError) {
        onTrouble?(.failed(error))
        switch errors.failed(error) {
        case .goOn: break
        case .pause: rest(error)
        }
    }

    /// Pauses and tries again, until it has been calm for a while.
    private func rest(_ error: UVError) {
        guard isOpen else { return }
        isResting = true
        poller?.stop()
        if !isInTrouble {
            isInTrouble = true
            onTrouble?(.pausing(error))
        }
        timer?.start(afterMilliseconds: pauseMilliseconds) { [unowned self] in
            isResting = false
            timer?.start(afterMilliseconds: TCPListener.calmMilliseconds) { [unowned self] in
                isInTrouble = false
                onTrouble?(.over)
            }
            guard isAccepting else { return }
            poller?.watch(.readable)
            accept()
        }
    }

    /// Stops listening; safe to call twice. Clients that wait in the kernel are refused, unless others
    /// share the socket.
    public func close() {
        guard isOpen else { return }
        isOpen = false
        onConnection = nil
        onTrouble = nil
        mayAccept = nil
        timer?.close()
        poller?.close()
        // Nobody watches it any more (`uv_poll(3)`).
        Glibc.close(descriptor)
    }

    /// Where the socket is bound; nil once it is closed.
    public var boundAddress: SocketAddress? {
        isOpen ? SocketAddress(boundOf: descriptor) : nil
    }

    /// The port that the socket is bound to; the one the kernel chose where 0 was asked for.
    public var boundPort: UInt16 { boundAddress?.port ?? 0 }
}
