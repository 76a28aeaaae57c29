// A listener: whose port it is, and what becomes of connections that cannot be taken.

import Glibc
import Testing

@testable import UV

@Suite struct ListenerTests {
    /// Whether the second is to listen or only to bind, and whether the first shares its port or not.
    @Test(arguments: [(true, false), (false, false), (true, true), (false, true)])
    func secondListenerOnAPortIsRefused(listens: Bool, firstShares: Bool) throws {
        let loop = try EventLoop()
        defer { loop.abandon() }
        let address = try SocketAddress("127.0.0.1:0")
        let first = try TCPListener(loop, address, sharesPort: firstShares) { $0.close() }
        #expect(first.boundPort > 0)
        let taken = address.with(port: first.boundPort)
        #expect(throws: ListenFailure.address(.addressInUse)) {
            if listens {
                _ = try TCPListener(loop, taken, sharesPort: false) { $0.close() }
            } else {
                _ = try BoundSocket(taken, sharesPort: false)
            }
        }
        first.close()
        #expect(first.boundPort == 0)
    }

    /// Of the listener, so that no connection takes a system call for it.
    @Test func acceptedConnectionsDelayNothing() throws {
        let bench = try StreamBench()
        defer { bench.end() }
        let client = try bench.connect()
        defer { Glibc.close(client) }
        bench.turn(until: { !bench.accepted.isEmpty })
        let descriptor = try #require(bench.accepted.first?.descriptor)
        var (isOn, length) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
        let code = unsafe getsockopt(
            descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &isOn, &length)
        #expect(code == 0 && isOn != 0)
    }

    /// A claim on a port is no hindrance for those whom it is for, once it is shared.
    @Test func claimedPortIsForThoseWhoShareIt() throws {
        let loop = try EventLoop()
        defer { loop.abandon() }
        let claim = try BoundSocket(try SocketAddress("127.0.0.1:0"), sharesPort: false)
        defer { claim.close() }
        let address = try #require(claim.address)
        try claim.share()
        for _ in 0..<3 {
            let other = try TCPListener(loop, address, sharesPort: true) { $0.close() }
            #expect(other.boundPort == address.port)
        }
        #expect(throws: ListenFailure.address(.addressInUse)) {
            _ = try BoundSocket(address, sharesPort: false)
        }
    }

    /// The kernel gives no connection a port that is claimed.
    @Test func claimedPortIsGivenToNoConnection() throws {
        let claim = try BoundSocket(try SocketAddress("127.0.0.1:0"), sharesPort: false)
        defer { claim.close() }
        try claim.share()
        let address = try #require(claim.address)
        // What connect(2) does to find a port, for this very one: it is not free.
        let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { Glibc.close(client) }
        var range = UInt32(address.port) << 16 | UInt32(address.port)
        let isSet =
            unsafe setsockopt(
                client, Int32(IPPROTO_IP), 51, &range, socklen_t(MemoryLayout<UInt32>.size)) == 0
        // IP_LOCAL_PORT_RANGE came with Linux 6.3.
        guard isSet else { return }
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = UInt16(9).bigEndian
        target.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let code = unsafe withUnsafePointer(to: &target) { pointer in
            let raw = unsafe UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self)
            return unsafe connect(client, raw, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                ? 0 : errno
        }
        #expect(code == EADDRNOTAVAIL)
    }

    @Test func boundPortIsFreeAgain() throws {
        let loop = try EventLoop()
        defer { loop.abandon() }
        let address = try SocketAddress("127.0.0.1:0")
        let bound = try BoundSocket(address, sharesPort: false)
        let port = try #require(bound.address?.port)
        #expect(port > 0)
        bound.close()
        let second = try TCPListener(loop, address.with(port: port), sharesPort: true) {
            $0.close()
        }
        #expect(second.boundPort == port)
        second.close()
    }

    @Test func addressThatIsNotHereIsNamed() throws {
        // RFC 5737: for documentation, nobody's.
        let address = try SocketAddress("192.0.2.1:0")
        #expect(throws: ListenFailure.address(UVError(code: -EADDRNOTAVAIL))) {
            try BoundSocket(address, sharesPort: false)
        }
    }

    @Test func whatIsNoSocketIsNotListenedOn() throws {
        let loop = try EventLoop()
        defer { loop.abandon() }
        var ends: [Int32] = [-1, -1]
        #expect(unsafe pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        #expect(throws: ListenFailure.address(UVError(code: -ENOTSOCK))) {
            try TCPListener(loop, sharing: ends[0]) { $0.close() }
        }
        #expect(throws: ListenFailure.resource(UVError(code: -EBADF))) {
            try TCPListener(loop, sharing: -1) { $0.close() }
        }
    }

    @Test func pausedListenerLeavesConnectionsToTheKernel() throws {
        let bench = try StreamBench()
        defer { bench.end() }
        bench.listener.pause()
        let first = try bench.connect()
        let second = try bench.connect()
        bench.turn(20)
        #expect(bench.accepted.isEmpty)
        bench.listener.resume()
        bench.turn(until: { bench.accepted.count == 2 })
        #expect(bench.accepted.count == 2, "neither was lost")
        for client in [first, second] { close(client) }
    }

    /// One that pauses in the middle of a turn, as a loop does that is full.
    @Test func listenerPausesAtOnce() throws {
        let bench = try StreamBench()
        defer { bench.end() }
        bench.onAccept = { [unowned bench] _ in bench.listener.pause() }
        let clients = [try bench.connect(), try bench.connect()]
        bench.turn(20)
        #expect(bench.accepted.count == 1)
        bench.listener.resume()
        bench.turn(20)
        #expect(bench.accepted.count == 2)
        for client in clients { close(client) }
    }

    @Test func listenerMayCloseWhileItAccepts() throws {
        let bench = try StreamBench()
        defer { bench.end() }
        bench.onAccept = { [unowned bench] _ in bench.listener.close() }
        let clients = [try bench.connect(), try bench.connect()]
        bench.turn(20)
        #expect(bench.accepted.count == 1)
        for client in clients { close(client) }
    }
}

@Suite struct AcceptErrorTests {
    static let passing = [
        EPERM, ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH,
        EOPNOTSUPP, ENETUNREACH, EINTR,
    ]

    @Test(arguments: passing)
    func errorOfOneConnectionPasses(code: Int32) {
        var errors = AcceptErrors()
        for _ in 1..<AcceptErrors.inARowMax {
            #expect(errors.failed(UVError(code: -code)) == .goOn)
        }
        #expect(errors.failed(UVError(code: -code)) == .pause, "so many in a row are no accident")
        #expect(errors.failed(UVError(code: -code)) == .goOn, "and it is tried again")
    }

    @Test func connectionInBetweenStartsTheRowAgain() {
        var errors = AcceptErrors()
        for _ in 0..<10 {
            for _ in 1..<AcceptErrors.inARowMax {
                #expect(errors.failed(UVError(code: -ECONNABORTED)) == .goOn)
            }
            errors.succeeded()
        }
    }

    @Test(arguments: [EMFILE, ENFILE, ENOBUFS, ENOMEM, EBADF, EINVAL])
    func errorOfTheMachinePauses(code: Int32) {
        var errors = AcceptErrors()
        #expect(errors.failed(UVError(code: -code)) == .pause)
    }
}
