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

    @Test func lingeringEndsByTimeOrBytes() {
        let byTime = Bench()
        byTime.send("BAD\r\n\r\n")
        byTime.host.pass(milliseconds: 1_900)
        #expect(!byTime.transport.isClosed)
        byTime.host.pass(milliseconds: 600)
        #expect(byTime.transport.isClosed)

        let byBytes = Bench { $0.lingerBytesMax = 1000 }
        byBytes.send("BAD\r\n\r\n")
        byBytes.send(String(repeating: "x", count: 1000))
        #expect(!byBytes.transport.isClosed)
        byBytes.send("x")
        #expect(byBytes.transport.isClosed)
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

    @Test func clientThatNeverReadsIsClosed() {
        let bench = Bench()
        bench.transport.queuedBytes = bench.host.limits.queuedBytesMax + 1
        bench.send(Bench.get("a"))
        bench.host.pass(milliseconds: 9_900)
        #expect(!bench.transport.isClosed)
        bench.host.pass(milliseconds: 600)
        #expect(bench.transport.isClosed)
        #expect(bench.transport.isReset, "what it has not read must not stay in the kernel")
    }

    @Test func clientThatHasReadIsClosedInPeace() {
        let bench = Bench()
        bench.send(Bench.get("a"))
        bench.host.pass(milliseconds: 61_000)
        #expect(bench.transport.isClosed)
        #expect(!bench.transport.isReset)
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
        #expect(bench.transport.paths.count == 3001)
        #expect(!bench.transport.isPaused)
    }

    @Test func idleConnectionClosesSilentlyAfterItsTime() {
        let bench = Bench()
        bench.host.pass(milliseconds: 59_000)
        bench.send(Bench.get("a"))
        let length = bench.transport.written.count
        bench.host.pass(milliseconds: 59_900)
        #expect(!bench.transport.isClosed)
        bench.host.pass(milliseconds: 600)
        #expect(bench.transport.isClosed)
        #expect(bench.transport.written.count == length)
    }

    @Test(arguments: [
        "G", "GET / HTTP/1.1\r\nHost: h\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\na",
    ])
    func incompleteRequestIsAnswered408(part: String) {
        let bench = Bench()
        bench.send(part)
        // Dripping does not help: the time counts from the first byte.
        bench.host.pass(milliseconds: 9_900)
        #expect(bench.transport.written.isEmpty)
        bench.host.pass(milliseconds: 600)
        #expect(bench.transport.text.hasPrefix("HTTP/1.1 408 "))
        #expect(bench.transport.text.contains("request_timeout"))
        #expect(bench.transport.hasFinishedSending)
    }

    @Test func headAndBodyHaveATimeOfTheirOwn() {
        let bench = Bench {
            $0.headTimeoutMilliseconds = 3_000
            $0.bodyTimeoutMilliseconds = 7_000
        }
        bench.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n")
        bench.host.pass(milliseconds: 2_900)
        bench.send("\r\n")
        for _ in 0..<6 {
            bench.host.pass(milliseconds: 1_000)
            bench.send("x")
        }
        bench.host.pass(milliseconds: 900)
        #expect(bench.transport.written.isEmpty)
        bench.host.pass(milliseconds: 600)
        #expect(bench.transport.text.contains("the body of a request must come within 7 s"))
    }

    @Test func timeCountsAnewForEachRequest() {
        let bench = Bench()
        for _ in 0..<3 {
            bench.send("GET /a HTTP/1.1\r\n")
            bench.host.pass(milliseconds: 9_000)
            bench.send("Host: h\r\n\r\nG")
            bench.host.pass(milliseconds: 9_000)
            bench.send("ET /b HTTP/1.1\r\nHost: h\r\n\r\n")
        }
        #expect(bench.transport.paths == ["/a", "/b", "/a", "/b", "/a", "/b"])
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

    @Test func slowStoreMeetsNoDeadline() {
        let bench = Bench()
        bench.host.fake.isHeld = true
        bench.send(Bench.get("a"))
        bench.host.pass(milliseconds: 200_000)
        #expect(!bench.transport.isClosed)
        bench.host.fake.held.removeFirst()()
        #expect(bench.transport.paths == ["/a"])
    }

    @Test func lastAnswerHasTimeToBeRead() {
        let bench = Bench()
        bench.transport.queuedBytes = 10
        bench.send("BAD\r\n\r\n")
        bench.host.pass(milliseconds: 5_000)
        #expect(!bench.transport.isClosed)
        bench.transport.queuedBytes = 0
        bench.connection.drained()
        bench.host.pass(milliseconds: 1_500)
        #expect(!bench.transport.isClosed)
        bench.host.pass(milliseconds: 1_100)
        #expect(bench.transport.isClosed)
    }

    @Test func clientThatOnlySendsIsClosed() {
        let bench = Bench { $0.lingerBytesMax = 100 }
        bench.transport.queuedBytes = 10
        bench.send("BAD\r\n\r\n")
        bench.send(String(repeating: "x", count: 101))
        #expect(bench.transport.isPaused)
        bench.host.pass(milliseconds: 10_600)
        #expect(bench.transport.isClosed)
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

    @Test func emptyLineBetweenRequestsIsIdleTime() {
        let bench = Bench()
        bench.send(Bench.get("a") + "\r\n")
        let length = bench.transport.written.count
        bench.host.pass(milliseconds: 30_000)
        #expect(bench.transport.written.count == length)
        bench.send(Bench.get("b"))
        #expect(bench.transport.paths == ["/a", "/b"])
    }

    @Test func lateRequestIsAnsweredAsItAskedFor() {
        let bench = Bench()
        let id = "93bac548-d2de-4546-b106-880a5018460d"
        bench.send(
            "HEAD / HTTP/1.1\r\nHost: h\r\nx-fapi-interaction-id: \(id)\r\nContent-Length: 2\r\n\r\nx"
        )
        bench.host.pass(milliseconds: 10_600)
        #expect(bench.transport.text.hasPrefix("HTTP/1.1 408 "))
        #expect(bench.transport.text.contains("x-fapi-interaction-id: \(id)\r\n"))
        #expect(bench.transport.text.hasSuffix("\r\n\r\n"), "an answer to HEAD has no content")
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

@Suite struct DeadlineWheelTests {
    private final class Holder: DeadlineHolder {
        var deadline: UInt64
        var wheelSlot: Int?
        init(_ deadline: UInt64) { self.deadline = deadline }
        func deadlinePassed() {}
    }

    /// Never early, and at most two ticks late.
    @Test(arguments: [UInt64(0), 1, 249, 250, 1000, 59_999, 63_000, 64_000, 64_001, 500_000])
    func deadlineIsKept(after: UInt64) {
        let start: UInt64 = 10_000_123
        var wheel = DeadlineWheel<Holder>(now: start)
        let holder = Holder(start + after)
        wheel.place(holder)
        var now = start
        while wheel.advance(now: now).isEmpty { now += 10 }
        #expect(now >= holder.deadline)
        #expect(now <= holder.deadline + 500)
        #expect(holder.wheelSlot == nil)
    }

    @Test func movedAndRemovedHoldersAreFoundWhereTheyBelong() {
        var wheel = DeadlineWheel<Holder>(now: 0)
        let (later, nearer, gone) = (Holder(1000), Holder(50_000), Holder(1000))
        for holder in [later, nearer, gone] { wheel.place(holder) }
        later.deadline = 30_000
        nearer.deadline = 2_000
        wheel.place(nearer)
        wheel.remove(gone)
        #expect(wheel.advance(now: 1_900).isEmpty)
        #expect(wheel.advance(now: 2_600).map { $0 === nearer } == [true])
        #expect(wheel.advance(now: 29_900).isEmpty)
        #expect(wheel.advance(now: 30_600).map { $0 === later } == [true])
        #expect(wheel.advance(now: 1_000_000).isEmpty)
    }
}

@Suite struct ServerLimitsTests {
    @Test(arguments: [
        (nil, 1024, 2, 472), (nil, 1024, 1, 952), (nil, 64, 2, 1), (nil, 200, 4, 26),
        (100, 1024, 2, 50), (101, 1024, 2, 50), (1, 1024, 1, 1), (1000, 1024, 1, 952),
        (20_000, 1_048_576, 1, 20_000), (3, 1024, 4, 1),
    ])
    func connectionsNeverUseUpTheDescriptors(
        wanted: Int?, descriptors: Int, loops: Int, perLoop: Int
    ) {
        var limits = ServerLimits()
        limits.connectionsMax = wanted
        limits.shareConnections(descriptors: descriptors, loops: loops)
        #expect(limits.connectionsPerLoopMax == perLoop)
    }
}
