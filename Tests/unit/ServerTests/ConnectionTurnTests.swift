// What one connection may have in one turn of the loop, and who goes first in the next.

import Testing

@testable import Server

@Suite struct ConnectionTurnTests {
    private let length = Bench.get("a").utf8.count

    private func many(_ count: Int) -> String { String(repeating: Bench.get("a"), count: count) }

    @Test func turnHasSoManyRequests() {
        let bench = Bench { $0.requestsPerTurnMax = 3 }
        bench.send(many(10))
        for answered in [3, 6, 9] {
            #expect(bench.transport.paths.count == answered)
            #expect(bench.transport.isPaused && bench.host.waitingForTurn == 1)
            #expect(bench.connection.kept.count == (10 - answered) * length)
            bench.host.turnLoop()
        }
        #expect(bench.transport.paths.count == 10)
        #expect(!bench.transport.isPaused && bench.host.waitingForTurn == 0)
        #expect(bench.connection.kept.capacity == 0)
    }

    /// As many requests as there may be, and not one more, end a turn only where more has come.
    @Test(arguments: [2, 3, 4])
    func turnThatIsJustFullIsNotTooFull(count: Int) {
        let bench = Bench { $0.requestsPerTurnMax = 3 }
        bench.send(many(count))
        #expect(bench.transport.paths.count == min(count, 3))
        #expect(bench.host.waitingForTurn == (count > 3 ? 1 : 0))
    }

    @Test(arguments: [(-1, 2), (0, 2), (1, 3)])
    func turnHasSoManyBytes(more: Int, perTurn: Int) {
        let bench = Bench { $0.bytesPerTurnMax = 2 * length + more }
        bench.send(many(7))
        #expect(bench.transport.paths.count == perTurn)
        #expect(bench.transport.isPaused && bench.host.waitingForTurn == 1)
        bench.host.turnLoop()
        #expect(bench.transport.paths.count == 2 * perTurn)
        bench.host.turnUntilQuiet()
        #expect(bench.transport.paths.count == 7)
    }

    @Test func allReadsOfATurnShareIt() {
        for limits in [true, false] {
            let bench = Bench {
                if limits { $0.requestsPerTurnMax = 3 } else { $0.bytesPerTurnMax = 3 * length }
            }
            bench.send(many(2))
            bench.send(many(2))
            #expect(bench.transport.paths.count == 3)
            bench.host.turnLoop()
            // The one that was left, and two more.
            bench.send(many(3))
            #expect(bench.transport.paths.count == 6)
            bench.host.turnUntilQuiet()
            #expect(bench.transport.paths.count == 7)
            for _ in 0..<3 {
                bench.host.turns.next()
                bench.send(many(3))
            }
            #expect(bench.transport.paths.count == 16 && bench.host.waitingForTurn == 0)
        }
    }

    @Test func lateAnswersCountInTheTurnOfTheirRequest() {
        let bench = Bench { $0.requestsPerTurnMax = 3 }
        bench.host.fake.isHeld = true
        bench.send(many(5))
        for _ in 0..<3 { bench.host.fake.held.removeFirst()() }
        #expect(bench.host.fake.held.isEmpty && bench.host.waitingForTurn == 1)
        bench.host.turnLoop()
        #expect(bench.host.fake.held.count == 1 && bench.host.waitingForTurn == 0)
    }

    @Test func whoAsksWithoutEndHoldsUpNobody() {
        let flood = Bench()
        let transport = FakeTransport()
        let other = Connection(transport, flood.host)
        let perTurn = flood.host.limits.requestsPerTurnMax
        let request = Array(Bench.get("b").utf8)
        flood.send(many(1_000))
        for turn in 1...20 {
            #expect(flood.transport.paths.count == turn * perTurn)
            other.received(request.span)
            #expect(transport.paths.count == turn)
            // One read's worth at most, whatever is still to come.
            #expect(flood.connection.kept.count <= 1_000 * length && flood.transport.isPaused)
            flood.host.turnLoop()
        }
    }

    @Test func whoHasEndedWhileWaitingForATurnGetsAllAnswers() {
        let bench = Bench { $0.requestsPerTurnMax = 1 }
        bench.send(many(3))
        bench.connection.receivedEnd()
        #expect(!bench.transport.isClosed)
        bench.host.turnUntilQuiet()
        #expect(bench.transport.paths.count == 3)
        #expect(bench.transport.isClosed)
    }

    @Test func stoppingServerAnswersWhatWaitsForATurnOnce() {
        let bench = Bench { $0.requestsPerTurnMax = 1 }
        bench.send(many(3))
        bench.host.pass(milliseconds: 0)
        bench.connection.stop()
        #expect(!bench.transport.isClosed)
        bench.host.turnUntilQuiet()
        #expect(bench.transport.paths.count == 2)
        #expect(bench.transport.text.contains("Connection: close\r\n"))
    }

    @Test func turnOfAConnectionThatHasClosedIsNothing() {
        let bench = Bench { $0.requestsPerTurnMax = 1 }
        bench.send(many(3))
        bench.connection.failed(.connection(.endOfFile))
        bench.connection.closed()
        bench.host.turnUntilQuiet()
        #expect(bench.transport.paths.count == 1)
    }

    /// A body that takes several turns has the time of one.
    @Test func turnsDoNotExtendTheTimeOfABody() {
        let bench = Bench { $0.bytesPerTurnMax = 100 }
        bench.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in 0..<9 {
            bench.host.pass(milliseconds: 1_000)
            for _ in 0..<2 { bench.send("50\r\n" + String(repeating: "x", count: 80) + "\r\n") }
            bench.host.turnUntilQuiet()
        }
        #expect(bench.transport.written.isEmpty)
        bench.host.pass(milliseconds: 1_500)
        #expect(bench.transport.text.hasPrefix("HTTP/1.1 408 "))
    }
}
