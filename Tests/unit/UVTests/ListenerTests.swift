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
