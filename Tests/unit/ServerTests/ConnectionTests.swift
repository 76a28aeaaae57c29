// The life of a connection: answers in order, once each, whatever the store and the client do.

import HTTP1
import Testing

@testable import Server

@Suite struct ConnectionTests {
    @Test func pipelinedAnswersComeInOrderInOneWrite() {
        let bench = Bench()
        bench.send((0..<20).map { Bench.get("\($0)") }.joined())
        #expect(bench.transport.paths == (0..<20).map { "/\($0)" })
        #expect(bench.host.replies.count == 0)
    }

    @Test func answersComeInOrderWhereTheStoreIsSlow() {
        let bench = Bench()
        bench.host.fake.isHeld = true
        bench.send(Bench.get("a") + Bench.get("b"))
        bench.send(Bench.get("c"))
        #expect(bench.host.fake.handled == 1, "the next request waits for the answer")
        #expect(bench.transport.written.isEmpty)
        for expected in [["/a"], ["/a", "/b"], ["/a", "/b", "/c"]] {
            bench.host.fake.held.removeFirst()()
            #expect(bench.transport.paths == expected)
        }
        #expect(bench.host.fake.held.isEmpty)
    }

    @Test func requestInPiecesIsAnsweredOnce() {
        let bench = Bench()
        for character in Bench.get("a") + Bench.get("b") { bench.send(String(character)) }
        #expect(bench.transport.paths == ["/a", "/b"])
    }

    @Test func refusalClosesAfterItsAnswerAndDropsWhatFollows() {
        let bench = Bench()
        bench.send(Bench.get("a") + "BAD\r\n\r\n" + Bench.get("b"))
        #expect(bench.transport.paths == ["/a"])
        #expect(bench.transport.text.contains("HTTP/1.1 400 Bad Request\r\n"))
        #expect(bench.transport.text.contains("Connection: close\r\n"))
        #expect(bench.transport.hasFinishedSending)
        #expect(!bench.transport.isClosed, "an early close could reset the answer away")
        bench.send(Bench.get("c"))
        #expect(bench.host.fake.handled == 1)
        bench.connection.receivedEnd()
        #expect(bench.transport.isClosed)
    }

    @Test func halfClosedClientStillGetsItsAnswer() {
        let bench = Bench()
        bench.host.fake.isHeld = true
        bench.send(Bench.get("a"))
        bench.connection.receivedEnd()
        #expect(!bench.transport.isClosed)
        bench.host.fake.held.removeFirst()()
        #expect(bench.transport.paths == ["/a"])
        #expect(bench.transport.isClosed)
    }

    @Test func clientThatIsGoneDoesNotDisturbALateAnswer() {
        let bench = Bench()
        bench.host.fake.isHeld = true
        bench.send(Bench.get("a"))
        bench.connection.failed(.connection(.endOfFile))
        bench.connection.closed()
        bench.host.fake.held.removeFirst()()
        #expect(bench.transport.written.isEmpty)
        #expect(bench.host.replies.count == 0)
        #expect(bench.host.closed == 1)
    }

    @Test func clientThatDoesNotReadIsNotReadFrom() {
        let bench = Bench()
        bench.transport.queuedBytes = bench.host.limits.queuedBytesMax + 1
        bench.send(Bench.get("a") + Bench.get("b") + Bench.get("c"))
        #expect(bench.transport.isPaused)
        #expect(bench.host.fake.handled == 1)
        bench.transport.queuedBytes = 0
        bench.connection.drained()
        #expect(bench.transport.paths == ["/a", "/b", "/c"])
        #expect(!bench.transport.isPaused)
    }

    @Test func tooMuchBehindAnOpenRequestPausesReading() {
        let bench = Bench()
        bench.host.fake.isHeld = true
        bench.send(Bench.get("a"))
        let many = String(repeating: Bench.get("b"), count: 3000)
        bench.send(many)
        #expect(bench.transport.isPaused)
        bench.host.fake.isHeld = false
        bench.host.fake.held.removeFirst()()
        bench.host.turnUntilQuiet()
        #expect(bench.transport.paths.count == 3001)
        #expect(!bench.transport.isPaused)
    }

    @Test func lastRequestOfAConnectionSaysSo() {
        let bench = Bench { $0.requestsPerConnectionMax = 3 }
        bench.send(Bench.get("a") + Bench.get("b"))
        #expect(!bench.transport.text.contains("Connection: close"))
        bench.send(Bench.get("c") + Bench.get("d"))
        #expect(bench.transport.paths == ["/a", "/b", "/c"])
        #expect(bench.transport.text.contains("Connection: close"))
        #expect(bench.transport.hasFinishedSending)
    }

    @Test func clientThatOnlySendsIsClosedAsSoonAsItHasReadItsAnswer() {
        let bench = Bench { $0.lingerBytesMax = 100 }
        bench.transport.queuedBytes = 10
        bench.send("BAD\r\n\r\n")
        bench.send(String(repeating: "x", count: 101))
        #expect(!bench.transport.isClosed)
        bench.transport.queuedBytes = 0
        bench.connection.drained()
        #expect(bench.transport.isClosed)
    }

    @Test func halfClosedClientWithACutRequestIsClosedOnceItHasRead() {
        let bench = Bench()
        bench.transport.queuedBytes = 10
        bench.send(Bench.get("a") + "GET /b HTT")
        bench.connection.receivedEnd()
        #expect(!bench.transport.isClosed)
        bench.transport.queuedBytes = 0
        bench.connection.drained()
        #expect(bench.transport.isClosed)
        #expect(!bench.transport.text.contains("408"))
    }

    @Test func continueIsSentBeforeTheBody() {
        let bench = Bench()
        bench.send(
            "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n")
        #expect(bench.transport.text == "HTTP/1.1 100 Continue\r\n\r\n")
        bench.send("x")
        #expect(bench.transport.paths == ["/p"])
    }

    @Test func interactionIDIsEchoedEvenWhereTheBodyIsTooLarge() {
        let bench = Bench()
        let id = "93bac548-d2de-4546-b106-880a5018460d"
        bench.send(
            "POST /p HTTP/1.1\r\nHost: h\r\nx-fapi-interaction-id: \(id)\r\nContent-Length: 99999\r\n\r\n"
        )
        #expect(bench.transport.text.hasPrefix("HTTP/1.1 413 "))
        #expect(bench.transport.text.contains("x-fapi-interaction-id: \(id)\r\n"))
    }
}
