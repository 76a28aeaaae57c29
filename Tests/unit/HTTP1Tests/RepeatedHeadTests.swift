// A head that repeats the last one is not read again. It is recognised by all of its bytes.

import Testing

@testable import HTTP1

@Suite struct RepeatedHeadTests {
    private static func post(_ length: Int, _ extra: String = "") -> String {
        "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: \(length)\r\n\(extra)\r\n"
    }

    /// What is said of each request, with the body, given whole.
    private static func read(_ text: String, in reader: inout RequestReader) -> [String] {
        let bytes = Array(text.utf8)
        var said: [String] = []
        var offset = 0
        while offset < bytes.count {
            switch reader.read(bytes.span, from: &offset) {
            case .request(.input(let range)):
                let body = String(
                    decoding: bytes[range][(range.lowerBound + reader.head.length)...],
                    as: UTF8.self)
                said.append((reader.head.isRepeated ? "same " : "new ") + body)
            case .request(.assembled):
                said.append(reader.head.isRepeated ? "same chunked" : "new chunked")
            case .continueExpected: said.append("continue")
            case .incomplete, .refused: return said + ["stop"]
            }
        }
        return said
    }

    private static func read(_ texts: String...) -> [String] {
        var reader = RequestReader()
        return read(texts.joined(), in: &reader)
    }

    @Test func sameBytesAreTheSameHead() {
        #expect(
            Self.read(Self.post(2) + "ab", Self.post(2) + "cd", Self.post(2) + "ef")
                == ["new ab", "same cd", "same ef"])
    }

    @Test(arguments: [
        post(3) + "xyz", post(2, "a: b\r\n") + "cd", post(2).lowercased() + "cd",
        post(2).replacing("h\r\n", with: "i\r\n") + "cd", "\r\n" + post(2) + "cd",
    ])
    func otherBytesAreNot(other: String) {
        #expect(!Self.read(Self.post(2) + "ab", other).last!.hasPrefix("same"))
        #expect(
            Self.read(Self.post(2) + "ab", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", Self.post(2) + "cd")
                == ["new ab", "new ", "new cd"])
    }

    @Test func lastByteCounts() {
        let head = Array(Self.post(2).utf8)
        for position in head.indices {
            var other = head
            other[position] ^= 1
            var reader = RequestReader()
            _ = Self.read(Self.post(2) + "ab", in: &reader)
            _ = Self.read(String(decoding: other, as: UTF8.self) + "cd", in: &reader)
            #expect(!reader.head.isRepeated, "byte \(position)")
        }
    }

    /// Only what has a length of its own: the others have more to say than their heads.
    @Test func chunksAndExpectationsAreReadAnew() {
        let chunked = "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        #expect(Self.read(chunked, chunked) == ["new chunked", "new chunked"])
        let expecting = Self.post(2, "Expect: 100-continue\r\n")
        #expect(Self.read(expecting + "ab", expecting + "ab") == ["new ab", "new ab"])
        #expect(
            Self.read(Self.post(2) + "ab", chunked, Self.post(2) + "cd")
                == ["new ab", "new chunked", "new cd"])
    }

    @Test func partOfAHeadIsNotTakenForIt() {
        var reader = RequestReader()
        _ = Self.read(Self.post(2) + "ab", in: &reader)
        #expect(Self.read(String(Self.post(2).dropLast(2)), in: &reader) == ["stop"])
        #expect(!reader.isBetweenRequests)
    }

    @Test func headsThatAlwaysChangeAreNotKept() {
        var reader = RequestReader()
        for number in 0..<4 {
            #expect(Self.read(Self.post(1, "n: \(number)\r\n") + "a", in: &reader) == ["new a"])
        }
        #expect(Self.read(Self.post(1, "n: 3\r\n") + "b", in: &reader) == ["same b"])
        for number in 0..<5 { _ = Self.read(Self.post(1, "n: \(number)\r\n") + "a", in: &reader) }
        #expect(Self.read(Self.post(1, "n: 4\r\n") + "b", in: &reader) == ["new b"])
    }

    @Test(arguments: [(1024, "same"), (1025, "new")])
    func onlySmallHeadsAreKept(length: Int, said: String) {
        let base = Self.post(1, "a: \r\n").utf8.count
        let padding = String(repeating: "x", count: length - base)
        let head = Self.post(1, "a: \(padding)\r\n")
        #expect(head.utf8.count == length)
        #expect(Self.read(head + "a", head + "b") == ["new a", "\(said) b"])
    }

    /// However many there are, and whatever they look like.
    @Test func sharedBytesComeBackUnchanged() {
        let shared = SharedBytes()
        for number in 0..<2_000 {
            let bytes = Array("header \(number % 700)".utf8)
            #expect(shared.share(bytes) == bytes)
        }
    }

    /// Whatever the seed of the day makes of their hashes, the few heads and fields that all clients
    /// send stand in memory once.
    @Test func bytesOfOneHashDoNotDriveEachOtherOut() {
        let shared = SharedBytes()
        let all = (0..<4).map { Array("header \($0)".utf8) }
        let first = all.map { shared.share($0, hash: 7) }
        for _ in 0..<3 {
            for (bytes, kept) in zip(all, first) {
                #expect(Self.address(shared.share(bytes, hash: 7)) == Self.address(kept))
            }
        }
    }

    /// To be compared only; both arrays are alive.
    private static func address(_ bytes: [UInt8]) -> UInt {
        unsafe bytes.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
    }
}
