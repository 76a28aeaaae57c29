// The reader against every case, fed in every way.

import Testing

@testable import HTTP1

@Suite struct RequestReaderTests {
    private static let next = Array("GET /next HTTP/1.1\r\nHost: n\r\n\r\n".utf8)
    private static let nextObserved = Observation.request(
        method: .get, path: "/next", fields: ["Host=n"], body: "", keepsAlive: true)

    @Test(arguments: Cases.accepted + Cases.refused)
    func caseIsReadWhole(_ row: Case) {
        #expect(Feeder.observe([row.bytes]) == row.expected)
    }

    @Test(arguments: Cases.accepted + Cases.refused)
    func caseIsReadByteByByte(_ row: Case) {
        #expect(Feeder.observe(row.bytes.map { [$0] }) == row.expected)
    }

    @Test(arguments: Cases.accepted + Cases.refused)
    func caseIsReadSplitAtEveryPosition(_ row: Case) {
        for position in 0...row.bytes.count {
            let portions = [Array(row.bytes[..<position]), Array(row.bytes[position...])]
            #expect(Feeder.observe(portions) == row.expected, "split at \(position)")
        }
    }

    @Test(arguments: Cases.accepted)
    func acceptedCaseIsFollowedByTheNextRequest(_ row: Case) {
        let bytes = row.bytes + Self.next
        for position in 0...bytes.count {
            let portions = [Array(bytes[..<position]), Array(bytes[position...])]
            #expect(Feeder.observe(portions) == row.expected + [Self.nextObserved])
        }
    }

    @Test(arguments: Cases.refused)
    func nothingBehindARefusalIsInterpreted(_ row: Case) {
        #expect(Feeder.observe([row.bytes + Self.next]) == row.expected)
        #expect(Feeder.observe([row.bytes, Self.next]) == row.expected)
    }

    @Test func pipelinedRequestsComeInOrder() {
        var bytes: [UInt8] = []
        for index in 0..<100 {
            bytes += Array(
                "POST /\(index) HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n\(index % 10)x".utf8
            )
        }
        let paths = Feeder.observe([bytes]).map {
            if case .request(_, let path, _, let body, _) = $0 { return path + body }
            return "?"
        }
        #expect(paths == (0..<100).map { "/\($0)\($0 % 10)x" })
    }

    @Test func continueIsAskedForOnceAndOnlyWhereTheBodyIsMissing() {
        let head =
            "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        let request = Observation.request(
            method: .post, path: "/p",
            fields: ["Host=h", "Content-Length=2", "Expect=100-continue"], body: "ab",
            keepsAlive: true)
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
    private static func head(fields: Int = 0, headBytes: Int? = nil, target: Int = 1) -> [UInt8] {
        var text = "GET /\(String(repeating: "t", count: target - 1)) HTTP/1.1\r\nHost: h\r\n"
        for index in 0..<fields { text += "f\(index): v\r\n" }
        if let headBytes {
            let rest = headBytes - text.utf8.count - 2
            text += "p: \(String(repeating: "v", count: rest - 5))\r\n"
        }
        return Array((text + "\r\n").utf8)
    }

    private static func outcome(_ bytes: [UInt8]) -> ProtocolError? {
        for portions in [[bytes], bytes.map { [$0] }] {
            let observed = Feeder.observe(portions)
            guard observed.count == 1 else { return .malformed(.requestLine) }
            if case .refused(let error) = observed[0] { return error }
        }
        return nil
    }

    @Test(arguments: [(8191, true), (8192, true), (8193, false)])
    func targetMayBe8KiB(length: Int, isTaken: Bool) {
        #expect(Self.outcome(Self.head(target: length)) == (isTaken ? nil : .targetTooLong))
    }

    @Test(arguments: [(16383, true), (16384, true), (16385, false)])
    func headMayBe16KiB(length: Int, isTaken: Bool) {
        let head = Self.head(headBytes: length)
        #expect(head.count == length)
        #expect(Self.outcome(head) == (isTaken ? nil : .headTooLarge))
    }

    @Test(arguments: [(98, true), (99, true), (100, false)])
    func headMayHave100Fields(besidesHost: Int, isTaken: Bool) {
        #expect(Self.outcome(Self.head(fields: besidesHost)) == (isTaken ? nil : .headTooLarge))
    }

    @Test(arguments: [65535, 65536])
    func declaredBodyMayBe64KiB(length: Int) {
        let head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \(length)\r\n\r\n"
        let bytes = Array(head.utf8) + [UInt8](repeating: 0x61, count: length)
        #expect(Self.outcome(bytes) == nil)
    }

    @Test(arguments: [(65535, true), (65536, true), (65537, false)])
    func chunkedBodyMayBe64KiB(length: Int, isTaken: Bool) {
        let first = 1000
        let head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        var bytes = Array(head.utf8)
        for count in [first, length - first] {
            bytes += Array("\(String(count, radix: 16))\r\n".utf8)
            bytes += [UInt8](repeating: 0x61, count: count) + Array("\r\n".utf8)
        }
        bytes += Array("0\r\n\r\n".utf8)
        #expect(Self.outcome(bytes) == (isTaken ? nil : .bodyTooLarge))
    }

    @Test func chunkOverheadIsBounded() {
        let head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        let extensions = "1;" + String(repeating: "x", count: 20_000) + "\r\n"
        #expect(Self.outcome(Array((head + extensions).utf8)) == .bodyTooLarge)
        let trailer = "0\r\nx: " + String(repeating: "x", count: 20_000) + "\r\n\r\n"
        #expect(Self.outcome(Array((head + trailer).utf8)) == .bodyTooLarge)
    }

    @Test func limitsAreConsistent() {
        #expect(Limits().isConsistent)
        var limits = Limits()
        limits.targetBytesMax = limits.headBytesMax
        #expect(!limits.isConsistent)
    }
}

@Suite struct HTTPDateTests {
    @Test(arguments: [
        (Int64(0), "Thu, 01 Jan 1970 00:00:00 GMT"),
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
        (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
    ])
    func dateIsWritten(seconds: Int64, text: String) {
        #expect(HTTPDate.text(seconds) == text)
    }
}
