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

    /// Around the sizes that the table of the fields has, and its limit.
    @Test(arguments: [0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 98, 99])
    func fieldsComeInOrderHoweverManyThereAre(count: Int) {
        let more = (0..<count).map { "x-\($0): \($0)" }
        let text = (["GET /p HTTP/1.1", "Host: h"] + more + ["", ""]).joined(separator: "\r\n")
        let fields = ["Host=h"] + more.map { $0.replacing(": ", with: "=") }
        let request = Observation.request(
            Observation.Request(
                method: .get, path: Array("/p".utf8), fields: fields.map { Array($0.utf8) }))
        let bytes = Array(text.utf8)
        // The second finds the table as the first has left it, and with fewer fields in it.
        let next = Observation.request(
            Observation.Request(
                method: .get, path: Array("/next".utf8), fields: [Array("Host=n".utf8)]))
        #expect(Feeder.observe([bytes + Self.next + bytes]) == [request, next, request])
        #expect(Feeder.observe(byteByByte: bytes + bytes) == [request, request])
    }

    @Test(arguments: [1, 2, 15, 16, 17, 40])
    func oneFieldMoreThanTheLimitIsRefusedAtItsFirstByte(countMax: Int) {
        var limits = Limits()
        limits.fieldsMax = countMax
        let start = "GET / HTTP/1.1\r\nHost: h\r\n"
        let full = start + String(repeating: "a: b\r\n", count: countMax - 1)
        #expect(Feeder.observe([Array(full.utf8)], limits: limits) == [.waits])
        #expect(
            Feeder.observe([Array((full + "a").utf8)], limits: limits) == [.refused(.headTooLarge)])
        // What cannot begin a field is refused for that.
        let folded = Feeder.observe([Array((full + " ").utf8)], limits: limits)
        #expect(folded == [.refused(.malformed(.lineFolding))])
        #expect(Feeder.observe([Array((full + "\r\n").utf8)], limits: limits).count == 1)
    }

    /// Every method, and what is nearly one.
    @Test(arguments: Observation.methods.keys.sorted())
    func methodsAreKnownByAllOfTheirBytes(name: String) {
        func observed(_ method: String) -> [Observation] {
            Feeder.observe([Array("\(method) / HTTP/1.1\r\nHost: h\r\n\r\n".utf8)])
        }
        guard case .request(let request) = observed(name).first else {
            Issue.record("\(name) is refused")
            return
        }
        #expect(request.method == Observation.methods[name])
        for other in [
            name + "X", name.lowercased(), String(name.dropLast()), name + name, "X" + name,
        ] {
            #expect(observed(other) == [.refused(.methodUnknown)], "\(other)")
        }
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
