// The life of a connection, continued: what it is given time for, and what comes when that is over.

import Testing

@testable import Server

extension ConnectionTests {
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
        bench.host.pass(milliseconds: 76_000)
        #expect(bench.transport.isClosed)
        #expect(!bench.transport.isReset)
    }

    @Test func idleConnectionClosesSilentlyAfterItsTime() {
        let bench = Bench()
        bench.host.pass(milliseconds: 74_000)
        bench.send(Bench.get("a"))
        let length = bench.transport.written.count
        bench.host.pass(milliseconds: 74_900)
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
}
