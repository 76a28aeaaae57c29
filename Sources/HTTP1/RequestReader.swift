// From bytes to whole requests, in order, on one connection. Pure: it is given bytes and says what
// they are; it reads no socket, keeps no time and answers nothing. Any split of the same bytes
// gives the same events.

import Bytes

/// Reads requests off one connection.
///
/// The caller keeps the bytes of an unfinished request and gives them again with more behind them;
/// the reader remembers how far it got. Only a chunked body is assembled in memory of the reader.
public struct RequestReader {
    public enum Event: Equatable {
        /// More bytes are needed. What lies behind `offset` must be given again.
        case incomplete
        /// Once, before the body of a request that expects it: `100 Continue` is to be sent now.
        case continueExpected
        /// A whole request; `head` describes it.
        case request(Content)
        /// The connection is of no further use; see `head` where `hasHead`.
        case refused(ProtocolError)
    }

    /// Where the bytes of a request are; the ranges of `head` count from the first of them.
    public enum Content: Equatable {
        /// In what was given, here.
        case input(Range<Int>)
        /// In `assembled`.
        case assembled
    }

    private enum Phase {
        case head
        case body(expectsContinue: Bool)
        case chunks(ChunkedDecoder, expectsContinue: Bool)
        case refused(ProtocolError)
    }

    /// Of the request that has come last, or is coming: complete where `hasHead`. The parser writes the
    /// fields where they stay; there is one table for both.
    public private(set) var head = RequestHead()
    /// The head and decoded body of the last request, where its `Content` says so.
    public private(set) var assembled: [UInt8] = []
    /// True from the end of a head until the next request begins.
    public private(set) var hasHead = false
    private var phase = Phase.head
    private var parser = HeadParser()
    public let limits: Limits

    public init(limits: Limits = Limits()) {
        precondition(limits.isConsistent, "limits contradict each other")
        self.limits = limits
    }

    /// True between requests: not one byte of the next has come.
    public var isBetweenRequests: Bool {
        if case .head = phase { return hasHead || parser.isAtStart }
        return false
    }

    /// True where nothing of the next request has come, not even an empty line: any connection may go on
    /// with this reader.
    public var isUnused: Bool {
        if case .head = phase { return hasHead || parser.isUnused }
        return false
    }

    /// Reads on from `offset`, and moves it behind what is done with.
    ///
    /// - Parameter bytes: what was left over last time, and more.
    public mutating func read(_ bytes: Span<UInt8>, from offset: inout Int) -> Event {
        do throws(ProtocolError) {
            return try next(bytes, &offset)
        } catch {
            phase = .refused(error)
            return .refused(error)
        }
    }

    private mutating func next(
        _ bytes: Span<UInt8>, _ offset: inout Int
    ) throws(ProtocolError) -> Event {
        if case .head = phase {
            if hasHead { beginRequest() }
            while try !readHead(bytes, offset) {
                let skipped = parser.skipEmptyLine()
                offset += skipped
                guard skipped > 0, offset < bytes.count else { return .incomplete }
            }
        }
        switch phase {
        case .head: preconditionFailure("readHead sets the phase")
        case .refused(let error): throw error
        case .body(let expectsContinue):
            let end = offset + head.length + head.bodyLength
            if bytes.count < end {
                guard expectsContinue else { return .incomplete }
                phase = .body(expectsContinue: false)
                return .continueExpected
            }
            let range = offset..<end
            offset = end
            phase = .head
            return .request(.input(range))
        case .chunks(var decoder, let expectsContinue):
            if assembled.isEmpty {
                assembled.append(bytes, offset..<offset + head.length)
                offset += head.length
            }
            if expectsContinue, offset == bytes.count {
                phase = .chunks(decoder, expectsContinue: false)
                return .continueExpected
            }
            try decoder.decode(
                bytes, &offset, into: &assembled, bodyStart: head.length, limits)
            guard decoder.isDone else {
                phase = .chunks(decoder, expectsContinue: false)
                return .incomplete
            }
            head.bodyLength = assembled.count - head.length
            phase = .head
            return .request(.assembled)
        }
    }

    /// Gives the memory of an assembled request back, once it has been looked at.
    public mutating func dropAssembled() {
        assembled = []
    }

    private mutating func beginRequest() {
        hasHead = false
        head.fields.removeAll()
        if !assembled.isEmpty { assembled = [] }
        parser.reset()
    }

    /// - Returns: false while the head is incomplete.
    private mutating func readHead(
        _ bytes: Span<UInt8>, _ offset: Int
    ) throws(ProtocolError) -> Bool {
        let request = bytes.extracting(offset..<bytes.count)
        guard let length = try parser.parse(request, limits, &head.fields) else { return false }
        head.length = length
        head.minorVersion = parser.requestLine.minorVersion
        head.bodyLength = 0
        head.method = .get
        head.path = parser.requestLine.target
        hasHead = true
        head.method = try RequestTarget.method(request, parser.requestLine.method)
        head.path = try RequestTarget.path(request, parser.requestLine.target, head.method)
        let framing = try BodyFraming(
            request, head.fields, minorVersion: parser.requestLine.minorVersion, limits)
        head.keepsAlive = framing.keepsAlive
        switch framing.length {
        case .bytes(let count):
            head.bodyLength = count
            phase = .body(expectsContinue: framing.expectsContinue)
        case .chunked:
            phase = .chunks(ChunkedDecoder(), expectsContinue: framing.expectsContinue)
        }
        return true
    }
}
