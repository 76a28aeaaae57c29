// Connections of a loop read with one reader, and keep their own only in the midst of a request.

import Testing

@testable import Server

@Suite struct HeldReaderTests {
    static let requests = [
        Bench.get("a"),
        "\r\n" + Bench.get("a"),
        "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
        "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
        "BAD\r\n\r\n",
    ]

    /// One stops after any byte of its request; the other asks something meanwhile.
    @Test(arguments: requests)
    func halfARequestIsNobodyElses(request: String) {
        let bytes = Array(request.utf8)
        let alone = Bench()
        alone.send(request)
        for count in 1..<bytes.count {
            let bench = Bench()
            let spare = bench.host.commons.spareReader
            let transport = FakeTransport()
            let other = Connection(transport, bench.host)
            let (first, rest) = (Array(bytes[..<count]), Array(bytes[count...]))
            bench.connection.received(first.span)
            #expect(bench.connection.held !== spare)
            let between = Array(Bench.get("b").utf8)
            other.received(between.span)
            #expect(other.held === spare, "it was given back")
            bench.connection.received(rest.span)
            #expect(transport.text.contains("[/b]") && !transport.text.contains("[/a]"))
            let answer = bench.transport.text.replacing("HTTP/1.1 100 Continue\r\n\r\n", with: "")
            #expect(
                withoutIDs(answer) == withoutIDs(alone.transport.text), "after \(count) bytes")
        }
    }

    private func withoutIDs(_ answer: String) -> String {
        answer.replacing(/X-Request-Id: [0-9a-f]{32}/, with: "").replacing(
            /"id":"[0-9a-f-]{36}"/, with: "")
    }

    @Test(arguments: requests.filter { $0 != "BAD\r\n\r\n" })
    func isGivenBackAtTheEnd(request: String) {
        let bench = Bench()
        for byte in request.utf8 {
            let one = [byte]
            bench.connection.received(one.span)
        }
        #expect(bench.connection.held === bench.host.commons.spareReader)
        bench.send(request)
        #expect(bench.connection.held === bench.host.commons.spareReader)
        #expect(bench.transport.text.split(separator: "[/a]").count == 3)
    }
}
