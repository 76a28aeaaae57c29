// Each wait has a time of its own, whatever the others are: in all relations of the three times, and
// however a request is cut into pieces.

import Testing

@testable import Server

@Suite struct ConnectionDeadlineTests {
    struct Times: Sendable, CustomTestStringConvertible {
        let idle: UInt64
        let head: UInt64
        let body: UInt64
        var testDescription: String { "idle \(idle), head \(head), body \(body) ms" }

        static let all: [Times] = [1_000, 2_000, 7_000].flatMap { idle in
            [1_000, 2_000, 7_000].flatMap { head in
                [1_000, 2_000, 7_000].map { Times(idle: idle, head: head, body: $0) }
            }
        }

        func bench() -> Bench {
            Bench {
                $0.idleTimeoutMilliseconds = idle
                $0.headTimeoutMilliseconds = head
                $0.bodyTimeoutMilliseconds = body
            }
        }
    }

    /// Never early, and at most two ticks late.
    private func expect(
        _ elapsed: UInt64, is limit: UInt64, _ location: SourceLocation = #_sourceLocation
    ) {
        #expect((limit...limit + 500).contains(elapsed), sourceLocation: location)
    }

    /// How long until the connection writes or closes, while the client sends `drop` now and then.
    private func patience(_ bench: Bench, _ drop: String = "") -> UInt64 {
        let (start, length) = (bench.host.monotonicMilliseconds, bench.transport.written.count)
        while bench.transport.written.count == length, !bench.transport.isClosed {
            bench.host.pass(milliseconds: 100)
            if !drop.isEmpty { bench.send(drop) }
            if bench.host.monotonicMilliseconds - start > 100_000 { break }
        }
        return bench.host.monotonicMilliseconds - start
    }

    @Test(arguments: Times.all)
    func idleConnectionHasTheIdleTime(times: Times) {
        let bench = times.bench()
        expect(patience(bench), is: times.idle)
        let used = times.bench()
        used.host.pass(milliseconds: times.idle / 2)
        used.send(Bench.get("a"))
        expect(patience(used), is: times.idle)
        #expect(used.transport.isClosed)
    }

    @Test(arguments: Times.all)
    func headInPiecesHasTheHeadTime(times: Times) {
        for before in ["", Bench.get("a"), Bench.get("a") + Bench.get("b")] {
            let bench = times.bench()
            bench.host.pass(milliseconds: times.idle / 2)
            // The last request and the first of the next in one piece.
            bench.send(before + "GET / HTTP/1.1\r\nX: ")
            expect(patience(bench, "x"), is: times.head)
            #expect(bench.transport.text.contains("HTTP/1.1 408 "))
        }
    }

    @Test(arguments: Times.all)
    func bodyInPiecesHasTheBodyTime(times: Times) {
        for expects in [false, true] {
            let bench = times.bench()
            bench.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9999\r\n")
            bench.host.pass(milliseconds: times.head / 2)
            bench.send(expects ? "Expect: 100-continue\r\n\r\n" : "\r\n")
            #expect(bench.transport.text.isEmpty != expects)
            expect(patience(bench, "x"), is: times.body)
            #expect(bench.transport.text.contains("HTTP/1.1 408 "))
        }
    }

    @Test(arguments: Times.all)
    func idleTimeBeginsAnewBehindARequestInPieces(times: Times) {
        let bench = times.bench()
        for _ in 0..<3 {
            bench.send("POST /a HTTP/1.1\r\nHost: h\r\n")
            bench.host.pass(milliseconds: times.head / 2)
            bench.send("Content-Length: 2\r\n\r\n")
            bench.host.pass(milliseconds: times.body / 2)
            bench.send("x")
            bench.send("xPOST /a HTTP/1.1\r\n")
            bench.host.pass(milliseconds: times.head / 2)
            bench.send("Host: h\r\nContent-Length: 0\r\n\r\n")
            bench.host.pass(milliseconds: times.idle / 2)
        }
        #expect(bench.transport.paths.count == 6 && !bench.transport.isClosed)
        bench.send(Bench.get("a"))
        expect(patience(bench), is: times.idle)
    }

    /// A client may send one between requests (RFC 9112 §2.2); it is no request.
    @Test func emptyLineGivesNoMoreTime() {
        let bench = Bench()
        bench.send(Bench.get("a"))
        bench.host.pass(milliseconds: 40_000)
        bench.send("\r\n")
        expect(patience(bench), is: 35_000)
        #expect(bench.transport.isClosed)
    }

    /// Where the store takes its time, the client's begins with the answer.
    @Test(arguments: Times.all)
    func noTimeRunsWhereAnAnswerIsOwed(times: Times) {
        let bench = times.bench()
        bench.host.fake.isHeld = true
        bench.send("GET / HTTP/1.1\r\nHost")
        bench.host.pass(milliseconds: times.head / 2)
        bench.send(": h\r\n\r\nGET / HTTP/1.1\r\nX: ")
        bench.host.pass(milliseconds: 90_000)
        #expect(bench.transport.written.isEmpty && !bench.transport.isClosed)
        bench.host.fake.held.removeFirst()()
        expect(patience(bench, "x"), is: times.head)
    }

    @Test func timesThatAreMadeShorterHoldAtOnce() {
        let bench = Bench()
        bench.host.pass(milliseconds: 10_000)
        bench.host.limits.idleTimeoutMilliseconds = 12_000
        bench.connection.limitsChanged()
        expect(patience(bench), is: 2_000)
    }
}
