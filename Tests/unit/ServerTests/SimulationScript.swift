// What a simulated client sends: any mix of requests, each with a number of its own, and how the
// server must take it.

import HTTP1

@testable import Server

/// SplitMix64, so that a seed repeats a failure.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int(next() >> 33) % bound }
    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
    mutating func pick(_ values: [Int]) -> Int { values[below(values.count)] }
}

/// The bytes of one client and what they mean.
struct SimulatedScript {
    struct Request {
        let isHead: Bool
        let expectsContinue: Bool
        let bodyLength: Int
        /// Offsets in `bytes`.
        let headEnd: Int
        let end: Int
    }

    private(set) var bytes: [UInt8] = []
    /// Those that must be answered, in order.
    private(set) var requests: [Request] = []
    /// The last of `requests` is the last of the connection; nothing behind it is looked at.
    private(set) var closesAfterLast = false
    /// Behind `requests` stands one that is refused with this.
    private(set) var refusal: Int?
    /// It ends inside a request.
    private(set) var isCut = false
    /// The first request has this number, the next one more.
    let firstNumber: Int
    private(set) var largestRequest = 1

    /// Filler of all bodies.
    static let filler = UInt8(ascii: "b")

    init(firstNumber: Int, _ limits: ServerLimits, _ random: inout SeededGenerator) {
        self.firstNumber = firstNumber
        let counts = [1, 1, 1, 2, 3, 5, 10, 30, random.chance(10) ? 300 : 2]
        for _ in 0..<random.pick(counts) { appendRequest(limits, &random) }
        switch random.below(10) {
        case 0, 1:
            appendRequest(limits, closes: true, &random)
            closesAfterLast = true
            appendIgnored(&random)
        case 2, 3:
            appendRefused(limits, &random)
            appendIgnored(&random)
        case 4: appendCut(&random)
        default: break
        }
        if requests.count >= limits.requestsPerConnectionMax {
            requests.removeLast(requests.count - limits.requestsPerConnectionMax)
            closesAfterLast = true
            (refusal, isCut) = (nil, false)
        }
    }

    private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    private mutating func appendRequest(
        _ limits: ServerLimits, closes: Bool = false, _ random: inout SeededGenerator
    ) {
        let start = bytes.count
        // One empty line before a request is tolerated (RFC 9112 §2.2).
        if random.chance(5) { append("\r\n") }
        let kind = random.below(20)
        let number = firstNumber + requests.count
        let isOld = kind < 10 && (closes ? random.chance(50) : random.chance(5))
        let method = kind < 9 ? "GET" : kind == 9 ? "HEAD" : "POST"
        append("\(method) /\(number) HTTP/1.\(isOld ? 0 : 1)\r\nHost: h\r\n")
        if random.chance(5) { append("X: " + String(repeating: "x", count: 80) + "\r\n") }
        if closes, !isOld {
            append("Connection: close\r\n")
        } else if !closes, isOld {
            append("Connection: keep-alive\r\n")
        }
        var (bodyLength, headEnd, expectsContinue) = (0, 0, false)
        if kind < 10 {
            append("\r\n")
            headEnd = bytes.count
        } else {
            expectsContinue = random.chance(15)
            if expectsContinue { append("Expect: 100-continue\r\n") }
            bodyLength = random.pick([0, 1, 20, 200, limits.http.bodyBytesMax])
            bodyLength = min(bodyLength, limits.http.bodyBytesMax)
            headEnd = appendBody(bodyLength, isChunked: kind > 15, &random)
        }
        requests.append(
            Request(
                isHead: kind == 9,
                expectsContinue: expectsContinue && (bodyLength > 0 || kind > 15),
                bodyLength: bodyLength, headEnd: headEnd, end: bytes.count))
        largestRequest = max(largestRequest, bytes.count - start)
    }

    /// Returns where the head ends.
    private mutating func appendBody(
        _ length: Int, isChunked: Bool, _ random: inout SeededGenerator
    ) -> Int {
        guard isChunked else {
            append("Content-Length: \(length)\r\n\r\n")
            let headEnd = bytes.count
            bytes.append(contentsOf: repeatElement(Self.filler, count: length))
            return headEnd
        }
        append("Transfer-Encoding: chunked\r\n\r\n")
        let headEnd = bytes.count
        var missing = length
        while missing > 0 {
            let size = min(missing, 1 + random.below(max(length / 4, 20)))
            append(String(size, radix: 16) + (random.chance(10) ? ";a=b\r\n" : "\r\n"))
            bytes.append(contentsOf: repeatElement(Self.filler, count: size))
            append("\r\n")
            missing -= size
        }
        append(random.chance(20) ? "0\r\nTrailer: t\r\n\r\n" : "0\r\n\r\n")
        return headEnd
    }

    private mutating func appendRefused(
        _ limits: ServerLimits, _ random: inout SeededGenerator
    ) {
        let start = "POST /9 HTTP/1.1\r\nHost: h\r\n"
        let large = String(repeating: "x", count: limits.http.headBytesMax)
        let forms = [
            (400, "BAD\r\n\r\n"), (400, "GET / HTTP/1.1\r\n\r\n"),
            (413, start + "Content-Length: \(limits.http.bodyBytesMax + 1)\r\n\r\n"),
            (501, "BREW /9 HTTP/1.1\r\nHost: h\r\n\r\n"), (505, "GET /9 HTTP/2.0\r\n"),
            (417, start + "Expect: wonders\r\n\r\n"), (431, start + "X: " + large),
            (414, "GET /" + large), (501, start + "Transfer-Encoding: gzip, chunked\r\n\r\n"),
            (400, start + "Transfer-Encoding: chunked\r\n\r\n5\r\nbbbbb\r\nno size"),
            (413, start + "Transfer-Encoding: chunked\r\n\r\nFFFFFF\r\n"),
        ]
        let (status, text) = forms[random.below(forms.count)]
        refusal = status
        append(text)
        largestRequest = max(largestRequest, text.utf8.count)
    }

    /// What follows the last answer.
    private mutating func appendIgnored(_ random: inout SeededGenerator) {
        for number in 0..<random.pick([0, 0, 1, 20]) {
            append("GET /\(firstNumber + requests.count + number) HTTP/1.1\r\nHost: h\r\n\r\n")
        }
    }

    private mutating func appendCut(_ random: inout SeededGenerator) {
        let text = "POST /9 HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nbbbbbbbb"
        bytes.append(contentsOf: text.utf8.prefix(1 + random.below(text.utf8.count)))
        isCut = true
    }
}

/// What the start of an answer says.
struct SimulatedAnswer {
    let status: Int
    /// What the handler put into Content-Type; nil: not one of its answers.
    private(set) var number: Int?
    private(set) var closes = false
    private(set) var contentLength = 0
    /// Offset of its first byte of content.
    private(set) var headEnd: Int

    private static let numberStart = [UInt8]("\r\nContent-Type: n/".utf8)
    private static let close = [UInt8]("\r\nConnection: close".utf8)
    private static let length = [UInt8]("\r\nContent-Length: ".utf8)

    /// nil where no whole head stands there.
    init?(_ bytes: Span<UInt8>, at start: Int) {
        let statusStart = start + 9
        guard let code = Self.decimal(bytes, statusStart), code > 99 else { return nil }
        status = code
        headEnd = 0
        var at = statusStart + 3
        while at + 3 < bytes.count {
            defer { at += 1 }
            guard bytes[at] == 13 else { continue }
            switch bytes[at + 2] {
            case 13:
                headEnd = at + 4
                return
            case UInt8(ascii: "C"):
                if Self.stands(Self.numberStart, in: bytes, at: at) {
                    number = Self.decimal(bytes, at + Self.numberStart.count)
                } else if Self.stands(Self.close, in: bytes, at: at) {
                    closes = true
                } else if Self.stands(Self.length, in: bytes, at: at) {
                    contentLength = Self.decimal(bytes, at + Self.length.count) ?? 0
                }
            default: continue
            }
        }
        return nil
    }

    private static func stands(_ text: [UInt8], in bytes: Span<UInt8>, at start: Int) -> Bool {
        guard start + text.count <= bytes.count else { return false }
        var at = 0
        while at < text.count, bytes[start + at] == text[at] { at += 1 }
        return at == text.count
    }

    /// The digits at `start`; nil where there are none.
    static func decimal(_ bytes: Span<UInt8>, _ start: Int) -> Int? {
        var (at, value) = (start, 0)
        while at < bytes.count, case 0...9 = bytes[at] &- 0x30 {
            value = value * 10 + Int(bytes[at] - 0x30)
            at += 1
        }
        return at == start ? nil : value
    }
}
