// The answers as the client sees them: what was written, cut into answers by the rules of
// RFC 9112 alone.

struct WireAnswers {
    /// The final ones, without those that only say to continue: whether those come depends on how
    /// the request was cut, and should.
    private(set) var finals: [[UInt8]] = []

    private static let continueAnswer = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
    private static let start = Array("HTTP/1.1 ".utf8)
    private static let emptyLine = Array("\r\n\r\n".utf8)

    /// - Parameter isHead: for each handled request, whether it was HEAD. One more answer may come,
    ///   a refusal of what could not be read.
    init(_ written: [UInt8], isHead: [Bool]) {
        var rest = written[...]
        while !rest.isEmpty {
            if rest.starts(with: WireAnswers.continueAnswer) {
                rest = rest.dropFirst(WireAnswers.continueAnswer.count)
                continue
            }
            require(rest.starts(with: WireAnswers.start), "an answer begins with its status line")
            guard let end = WireAnswers.headEnd(rest) else {
                require(false, "an answer is written whole")
                break
            }
            let head = String(decoding: rest[rest.startIndex..<end], as: UTF8.self)
            let length = WireAnswers.contentLength(head)
            let isRefusal = finals.count >= isHead.count
            let hasContent = isRefusal ? end < rest.endIndex : !isHead[finals.count]
            let next = end + (hasContent ? length : 0)
            require(next <= rest.endIndex, "an answer has the content that it announces")
            finals.append(Array(rest[rest.startIndex..<next]))
            rest = rest[next...]
            require(
                rest.isEmpty || !head.contains("\r\nConnection: close\r\n"),
                "nothing comes behind the answer that closes")
        }
    }

    private static func headEnd(_ bytes: ArraySlice<UInt8>) -> Int? {
        var at = bytes.startIndex
        while at + 4 <= bytes.endIndex {
            if bytes[at] == 13, bytes[at..<at + 4].elementsEqual(emptyLine) { return at + 4 }
            at += 1
        }
        return nil
    }

    private static func contentLength(_ head: String) -> Int {
        let lines = head.split(separator: "\r\n")
        let lengths = lines.filter { $0.hasPrefix("Content-Length: ") }
        if head.hasPrefix("HTTP/1.1 204 ") {
            require(lengths.isEmpty, "204 has no length (RFC 9110 §8.6)")
            return 0
        }
        require(lengths.count == 1, "an answer says its length once")
        guard let length = lengths.first.flatMap({ Int($0.dropFirst(16)) }) else {
            require(false, "a length is a number")
            return 0
        }
        return length
    }
}
