// What the reader says beside the cases of Tests/corpora/conformance: order, continuing, memory, limits.

import Testing

@testable import HTTP1

@Suite struct RequestReaderTests {
    private static let next = Array("GET /next HTTP/1.1\r\nHost: n\r\n\r\n".utf8)

    @Test func pipelinedRequestsComeInOrder() {
        var bytes: [UInt8] = []
        for index in 0..<100 {
            bytes += Array(
                "POST /\(index) HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n\(index % 10)x".utf8
            )
        }
        let paths = Feeder.observe([bytes]).map {
            guard case .request(let request) = $0 else { return "?" }
            return String(decoding: request.path + request.body, as: UTF8.self)
        }
        #expect(paths == (0..<100).map { "/\($0)\($0 % 10)x" })
    }

    @Test func continueIsAskedForOnceAndOnlyWhereTheBodyIsMissing() {
        let head =
            "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        let request = Observation.request(
            Observation.Request(
                method: .post, path: Array("/p".utf8),
                fields: ["Host=h", "Content-Length=2", "Expect=100-continue"].map {
                    Array($0.utf8)
                },
                body: Array("ab".utf8)))
        let late = Feeder.observe([Array(head.utf8), Array("a".utf8), Array("b".utf8)])
        #expect(late == [.continueExpected, request])
        #expect(Feeder.observe([Array((head + "ab").utf8)]) == [request])
    }

    @Test func continueIsAskedForBeforeChunks() {
        let head =
            "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
        let events = Feeder.observe([Array(head.utf8), Array("1\r\na\r\n0\r\n\r\n".utf8)])
        #expect(events.count == 2)
        #expect(events.first == .continueExpected)
    }

    @Test func readerKnowsWhenItIsBetweenRequests() {
        var reader = RequestReader()
        var offset = 0
        #expect(reader.isBetweenRequests)
        let part = Array(Self.next.dropLast())
        _ = reader.read(part.span, from: &offset)
        #expect(!reader.isBetweenRequests)
        _ = reader.read(Self.next.span, from: &offset)
        #expect(reader.isBetweenRequests)
    }
}

@Suite struct LimitTests {
    @Test func limitsAreConsistent() {
        #expect(Limits().isConsistent)
        var limits = Limits()
        limits.targetBytesMax = limits.headBytesMax
        #expect(!limits.isConsistent)
    }
}
