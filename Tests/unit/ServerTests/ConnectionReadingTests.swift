// A client that does not read is reset; one that reads has time, however slowly it does. And who may
// have to make room for whom.

import Testing

@testable import Server

@Suite struct ConnectionReadingTests {
    enum Place: CaseIterable { case backedUp, betweenRequests, lingering, ended, stopping }

    /// A connection whose client has answers to read: some in the queue, more in the kernel.
    private func bench(_ place: Place) -> Bench {
        let bench = Bench { $0.idleTimeoutMilliseconds = 1_000 }
        bench.transport.bytesInKernel = 1_000_000
        bench.transport.queuedBytes = place == .backedUp ? bench.host.limits.queuedBytesMax + 1 : 10
        switch place {
        case .backedUp, .betweenRequests: bench.send(Bench.get("a"))
        case .lingering: bench.send("BAD\r\n\r\n")
        case .ended:
            bench.send(Bench.get("a"))
            bench.connection.receivedEnd()
        case .stopping:
            bench.send(Bench.get("a"))
            bench.connection.stop()
        }
        return bench
    }

    @Test(arguments: Place.allCases)
    func whoReadsSlowlyIsLeftInPeaceAndWhoStandsStillIsReset(place: Place) {
        let bench = bench(place)
        for _ in 0..<30 {
            bench.host.pass(milliseconds: 9_000)
            bench.transport.bytesInKernel -= 1
        }
        #expect(!bench.transport.isClosed)
        bench.host.pass(milliseconds: 8_900)
        #expect(!bench.transport.isClosed, "it was just reading")
        bench.host.pass(milliseconds: 12_000)
        #expect(bench.transport.isReset)
    }

    @Test(arguments: Place.allCases)
    func whoHasReadEverythingIsNotReset(place: Place) {
        let bench = bench(place)
        bench.host.pass(milliseconds: 9_000)
        (bench.transport.queuedBytes, bench.transport.bytesInKernel) = (0, 0)
        bench.connection.drained()
        switch place {
        case .ended, .stopping: #expect(bench.transport.isClosed)
        case .backedUp, .betweenRequests, .lingering:
            bench.host.pass(milliseconds: 900)
            #expect(!bench.transport.isClosed)
            bench.host.pass(milliseconds: 2_000)
            #expect(bench.transport.isClosed)
        }
        #expect(!bench.transport.isReset)
    }

    /// The limit is on standing still: what comes on top must not look like it.
    @Test func answerOnTopOfUnreadOnesIsNoStandstill() {
        for isLast in [true, false] {
            let bench = Bench()
            bench.host.fake.isHeld = true
            bench.send(Bench.get("a", isLast ? "Connection: close\r\n" : ""))
            (bench.transport.queuedBytes, bench.transport.bytesInKernel) = (10, 1_000)
            bench.transport.isQueueing = true
            bench.host.fake.held.removeFirst()()
            #expect(bench.transport.queuedBytes > 110)
            bench.host.pass(milliseconds: 9_000)
            bench.transport.bytesInKernel -= 50
            bench.host.pass(milliseconds: 9_000)
            #expect(!bench.transport.isClosed)
            bench.host.pass(milliseconds: 3_000)
            #expect(bench.transport.isReset)
        }
    }

    // MARK: Making room

    @Test func idleConnectionMakesRoom() {
        let (silent, used) = (Bench(), Bench())
        used.send(Bench.get("a"))
        for bench in [silent, used] {
            #expect(bench.connection.isIdle)
            #expect(bench.connection.hasAsked == (bench.transport.paths == ["/a"]))
            bench.connection.makeRoom()
            #expect(bench.transport.isClosed && !bench.transport.isReset)
        }
    }

    @Test func whoIsInUseDoesNotMakeRoom() {
        let head = Bench()
        head.send("GET / HTT")
        let body = Bench()
        body.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n")
        let held = Bench()
        held.host.fake.isHeld = true
        held.send(Bench.get("a"))
        let waiting = Bench { $0.requestsPerTurnMax = 1 }
        waiting.send(Bench.get("a") + Bench.get("b"))
        for bench in [head, body, held, waiting] + Place.allCases.map(bench) {
            #expect(!bench.connection.isIdle)
            bench.connection.makeRoom()
            #expect(!bench.transport.isClosed)
        }
    }
}

/// A stream that is not ready at once.
@Suite struct HandshakeTests {
    private let bench = Bench(isReady: false)

    @Test func nothingIsReadBeforeTheStreamIsReady() {
        bench.send(Bench.get("a"))
        #expect(bench.transport.written.isEmpty && bench.host.fake.handled == 0)
        #expect(bench.connection.kept.isEmpty)
        bench.host.pass(milliseconds: 9_000)
        bench.connection.becameReady()
        bench.send(Bench.get("b"))
        #expect(bench.transport.paths == ["/b"])
    }

    @Test func handshakeHasATimeOfItsOwn() {
        bench.host.pass(milliseconds: 9_900)
        #expect(!bench.transport.isClosed)
        bench.host.pass(milliseconds: 600)
        #expect(bench.transport.isReset)
        #expect(bench.transport.written.isEmpty)
    }

    @Test func idleTimeBeginsWhenTheStreamIsReady() {
        bench.host.pass(milliseconds: 9_000)
        bench.connection.becameReady()
        bench.host.pass(milliseconds: 74_900)
        #expect(!bench.transport.isClosed)
        bench.host.pass(milliseconds: 600)
        #expect(bench.transport.isClosed && !bench.transport.isReset)
    }

    /// Its client has connected to a server that still took connections.
    @Test func handshakeThatIsUnderWayWhenTheServerStopsMayStillAsk() {
        bench.host.pass(milliseconds: 400)
        bench.connection.stop()
        bench.host.pass(milliseconds: 500)
        bench.connection.becameReady()
        bench.host.pass(milliseconds: 900)
        #expect(!bench.transport.isClosed, "its request has a second")
        bench.send(Bench.get("a"))
        #expect(bench.transport.paths == ["/a"])
        bench.connection.receivedEnd()
        #expect(bench.transport.isClosed, "it was the last one")
    }

    @Test func handshakeIsNotWaitedForLongWhenTheServerStops() {
        for isReady in [false, true] {
            let bench = Bench(isReady: false)
            bench.host.pass(milliseconds: 400)
            bench.connection.stop()
            if isReady { bench.connection.becameReady() }
            bench.host.pass(milliseconds: 500)
            #expect(!bench.transport.isClosed)
            bench.host.pass(milliseconds: 1_100)
            #expect(bench.transport.isClosed && !bench.transport.isReset)
            #expect(bench.transport.written.isEmpty)
        }
        bench.host.pass(milliseconds: 1_000)
        bench.connection.stop()
        #expect(bench.transport.isClosed, "it has gone on for long")
    }

    @Test func whateverEndsTheStreamEndsTheHandshake() {
        let ends: [(Connection) -> Void] = [
            { $0.failed(.handshake("no common version")) }, { $0.receivedEnd() }, { $0.makeRoom() },
            { $0.abort() },
        ]
        for end in ends {
            let bench = Bench(isReady: false)
            end(bench.connection)
            #expect(bench.transport.isClosed && bench.transport.written.isEmpty)
            #expect(bench.connection.deadline == .max)
        }
    }
}
