// What becomes of a connection when the server stops.

import Testing

@testable import Server

@Suite struct StoppingTests {
    @Test func stoppingServerClosesIdleAndAnswersTheRest() {
        let (idle, busy) = (Bench(), Bench())
        idle.host.pass(milliseconds: idle.host.limits.quietMilliseconds)
        busy.host.fake.isHeld = true
        busy.send(Bench.get("a"))
        for bench in [idle, busy] {
            bench.connection.stop()
        }
        #expect(idle.transport.isClosed)
        #expect(!busy.transport.isClosed)
        busy.host.fake.held.removeFirst()()
        #expect(busy.transport.text.contains("Connection: close\r\n"))
        #expect(busy.transport.hasFinishedSending)
    }

    /// A client that asks all the time has its next request on the way when the server stops.
    @Test func stoppingServerAnswersARequestThatWasOnItsWay() {
        for wait in [0, ServerLimits().quietMilliseconds - 1] {
            let bench = Bench()
            bench.host.pass(milliseconds: 10_000)
            bench.send(Bench.get("a"))
            bench.host.pass(milliseconds: wait)
            bench.connection.stop()
            #expect(!bench.transport.isClosed)
            bench.send(Bench.get("b"))
            #expect(bench.transport.paths == ["/a", "/b"])
            #expect(bench.transport.text.hasSuffix("\n[/b]\n"))
            #expect(bench.transport.text.contains("Connection: close\r\n"))
            #expect(bench.transport.hasFinishedSending)
        }
    }

    @Test func stoppingServerClosesAConnectionThatStaysQuiet() {
        let bench = Bench()
        bench.send(Bench.get("a"))
        bench.connection.stop()
        #expect(!bench.transport.isClosed)
        bench.host.pass(milliseconds: bench.host.limits.quietMilliseconds + 250)
        #expect(bench.transport.isClosed)
    }

    /// It has been quiet for a while already when the server stops.
    @Test func quietTimeCountsFromTheLastAnswer() {
        let bench = Bench()
        bench.send(Bench.get("a"))
        bench.host.pass(milliseconds: bench.host.limits.quietMilliseconds - 100)
        bench.connection.stop()
        #expect(!bench.transport.isClosed)
        bench.host.pass(milliseconds: 100 + 500)
        #expect(bench.transport.isClosed)
    }

    @Test func stoppingServerLetsAnswersInTheQueueGoOut() {
        let bench = Bench()
        bench.send(Bench.get("a"))
        bench.transport.queuedBytes = 10
        bench.connection.stop()
        #expect(!bench.transport.isClosed)
        bench.host.pass(milliseconds: 10_600)
        #expect(bench.transport.isClosed)
    }

    /// It was not idle when the server stopped: answers were in the queue, or requests behind them.
    @Test(arguments: [10, ServerLimits().queuedBytesMax + 1])
    func stoppingServerClosesAConnectionThatBecomesIdle(queued: Int) {
        let bench = Bench()
        bench.transport.queuedBytes = queued
        bench.send(Bench.get("a"))
        bench.connection.stop()
        #expect(!bench.transport.isClosed)
        bench.transport.queuedBytes = 0
        bench.connection.drained()
        #expect(bench.transport.isClosed)
        #expect(bench.transport.paths == ["/a"])
    }
}
