// The corpus against the reader, fed in every way.

import Testing

@testable import HTTP1

@Suite struct ConformanceTests {
    private static let next = Array("GET /next HTTP/1.1\r\nHost: n\r\n\r\n".utf8)
    private static let nextObserved = Observation.request(
        Observation.Request(
            method: .get, path: Array("/next".utf8), fields: [Array("Host=n".utf8)]))

    @Test func corpusIsLargeAndNamesItsSources() throws {
        let cases = try Corpus.cases()
        #expect(cases.count >= 300)
        let names = Dictionary(grouping: cases, by: \.name)
        #expect(names.filter { $0.value.count > 1 }.keys.sorted() == [])
        #expect(cases.filter { $0.source.isEmpty }.map(\.name) == [])
    }

    @Test func everyRuleHasACase() throws {
        let observed = try Corpus.cases().flatMap(\.expected)
        for (name, rule) in Observation.rules {
            #expect(observed.contains(.refused(rule)), "\(name)")
        }
    }

    @Test(arguments: try Corpus.cases())
    func caseIsReadWhole(_ row: Case) {
        #expect(Feeder.observe([row.bytes]) == row.expectedAtOnce)
    }

    @Test(arguments: try Corpus.cases())
    func caseIsReadByteByByte(_ row: Case) {
        #expect(Feeder.observe(byteByByte: row.bytes) == row.expected)
    }

    @Test(arguments: try Corpus.cases())
    func caseIsReadSplitEverywhere(_ row: Case) {
        Self.expect(row.bytes, row.expected, row.expectedAtOnce)
    }

    @Test(arguments: try Corpus.followed())
    func acceptedCaseIsFollowedByTheNextRequest(_ row: Case) {
        let bytes = row.bytes + Self.next
        let expected = row.expected + [Self.nextObserved]
        #expect(Feeder.observe(byteByByte: bytes) == expected)
        Self.expect(bytes, expected, row.expectedAtOnce + [Self.nextObserved])
    }

    /// The same head twice in a row is recognised; what it says must be the same.
    @Test(arguments: try Corpus.followed())
    func acceptedCaseIsFollowedByItself(_ row: Case) {
        let bytes = row.bytes + row.bytes + Self.next
        let atOnce = row.expectedAtOnce + row.expectedAtOnce + [Self.nextObserved]
        #expect(Feeder.observe([bytes]) == atOnce)
        #expect(Feeder.observe([row.bytes, row.bytes, Self.next]) == atOnce)
        let expected = row.expected + row.expected + [Self.nextObserved]
        #expect(Feeder.observe(byteByByte: bytes) == expected)
    }

    @Test(arguments: try Corpus.refused())
    func nothingBehindARefusalIsInterpreted(_ row: Case) {
        #expect(Feeder.observe([row.bytes + Self.next]) == row.expectedAtOnce)
        #expect(Feeder.observe([row.bytes, Self.next]) == row.expectedAtOnce)
        #expect(Feeder.observe(byteByByte: row.bytes + Self.next) == row.expected)
    }

    /// Whether a client is asked to continue depends on where the bytes are split, and on nothing
    /// else; at one place at least it is.
    private static func expect(
        _ bytes: [UInt8], _ expected: [Observation], _ expectedAtOnce: [Observation]
    ) {
        var hasAsked = false
        for position in splits(of: bytes) {
            let observed = Feeder.observe(bytes, splitAt: position)
            if observed == expected {
                hasAsked = true
            } else if observed != expectedAtOnce {
                // The first position that fails says enough.
                Issue.record("split at \(position): \(observed) and not \(expectedAtOnce)")
                return
            }
        }
        #expect(hasAsked)
    }

    /// Every position of what has up to 1,024 bytes. Of more, a bounded number: the ends, and an even
    /// choice of those around line ends, limits and every 1,021st byte.
    private static func splits(of bytes: [UInt8]) -> [Int] {
        if bytes.count <= 1024 { return Array(0...bytes.count) }
        let structure = bytes.indices.filter { bytes[$0] == 0x0A || $0 % 1021 == 0 }
        let limits = [8 * 1024, 16 * 1024, 64 * 1024]
        let near = Set((structure + limits).flatMap { ($0 - 2)...($0 + 3) }).union(0...20)
            .filter { (0...bytes.count).contains($0) }.sorted()
        let countMax = 60
        let stride = (near.count + countMax - 1) / countMax
        return near.indices.filter { $0 % stride == 0 }.map { near[$0] }
            + ((bytes.count - 20)...bytes.count)
    }
}

@Suite struct CorpusFormatTests {
    @Test(arguments: [
        (#"abc"#, "abc"), (#"a\r\nb\tc\\d\{e}"#, "a\r\nb\tc\\d{e}"),
        (#"\x00\x7f\x2A"#, "\0\u{7F}*"),
        (#"{a*3}b"#, "aaab"), (#"{a*b*2}"#, "a*ba*b"), (#"{\r\n*2}"#, "\r\n\r\n"), ("", ""),
    ])
    func bytesAreRead(written: String, meant: String) throws {
        #expect(try EscapedBytes.read(written[...]) == Array(meant.utf8))
    }

    private static let good = """
        == a name
        source RFC 9112 §3
        > a\\r\\n
        > b
        continue
        request GET /a
        field*2 a=b
        body c
        ends
        refused malformed.host
        """

    @Test func caseIsRead() throws {
        let cases = try Corpus.parse(Self.good, of: "x")
        #expect(cases.count == 1)
        #expect(cases.first?.bytes == Array("a\r\nb".utf8))
        let request = Observation.Request(
            method: .get, path: Array("/a".utf8), fields: [Array("a=b".utf8), Array("a=b".utf8)],
            body: Array("c".utf8), keepsAlive: false)
        #expect(
            cases.first?.expected
                == [.continueExpected, .request(request), .refused(.malformed(.host))])
    }

    @Test(arguments: [
        ("source RFC 9112 §3\n", ""), ("source RFC 9112 §3", "source"), ("> a\\r\\n\n> b\n", ""),
        ("> b", "> b "), ("> b", "> \u{E9}"), ("> b", "> \\q"), ("> b", "> \\x4"),
        ("> b", "> {a*}"), ("> b", "> {a*0}"), ("> b", "> {*3}"), ("> b", "> {a"),
        ("> b", "> {{a*2}*2}"), ("> b", "> a\tb"), ("> b", ">b"), ("> b", "> \\"),
        ("GET", "get"), ("field*2", "field*x"), ("a=b", "a"), ("ends\n", ""), ("ends", "end"),
        ("refused malformed.host", "refused host"), ("refused malformed.host", "> a"),
        ("refused malformed.host", "continue"), ("refused malformed.host", "waits\nwaits"),
        ("body c", "body c\nbody d"), ("body c", "request GET /"), ("continue", "continue now"),
        ("== a name", "a name"), ("== a name", "==a name"), ("body c", "body c\nfield a=b"),
    ])
    func malformedCorpusIsAnError(part: String, replacement: String) {
        #expect(Self.good.contains(part))
        let text = Self.good.replacing(part, with: replacement, maxReplacements: 1)
        #expect(throws: CorpusError.self) { () throws in _ = try Corpus.parse(text, of: "x") }
    }

    @Test func emptyFileIsAnError() {
        #expect(throws: CorpusError.self) { () throws in _ = try Corpus.parse("# a\n", of: "x") }
    }
}
