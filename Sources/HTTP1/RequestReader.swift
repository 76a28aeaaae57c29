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

    public private(set) var head = RequestHead()
    /// The head and decoded body of the last request, where its `Content` says so.
    public private(set) var assembled: [UInt8] = []
    /// True from the end of a head until the next request begins.
    public private(set) var hasHead = false
    private var phase = Phase.head
    private var parser = HeadParser()
    /// The bytes of the last head: most clients send the same one again and again. Empty where it
    /// cannot be repeated.
    private var lastHead: [UInt8] = []
    private var changedHeads: UInt8 = 0
    private let shared: SharedBytes?
    private let limits: Limits

    /// A client that has sent so many other heads in a row is not expected to repeat one.
    private static let changedHeadsMax: UInt8 = 4

    /// - Parameter shared: where heads are kept that readers have in common.
    public init(limits: Limits = Limits(), shared: SharedBytes? = nil) {
        precondition(limits.isConsistent, "limits contradict each other")
        self.limits = limits
        self.shared = shared
    }

    /// True between requests: not one byte of the next has come.
    public var isBetweenRequests: Bool {
        if case .head = phase { return hasHead || parser.isAtStart }
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
            if hasHead, isLastHead(bytes, offset) {
                repeatHead()
            } else {
                if hasHead { beginRequest() }
                while try !readHead(bytes, offset) {
                    let skipped = parser.skipEmptyLine()
                    offset += skipped
                    guard skipped > 0, offset < bytes.count else { return .incomplete }
                }
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

    /// True where the last head stands here once more, to its empty line.
    private func isLastHead(_ bytes: Span<UInt8>, _ offset: Int) -> Bool {
        guard !lastHead.isEmpty, bytes.count - offset >= lastHead.count else { return false }
        return areEqual(bytes.extracting(offset..<offset + lastHead.count), lastHead.span)
    }

    /// What was read of the last head is true of this one: reading depends on nothing else.
    private mutating func repeatHead() {
        head.isRepeated = true
        changedHeads = 0
        phase = .body(expectsContinue: false)
    }

    /// Keeps a head whose body has a length of its own, so that it can be recognised.
    private mutating func remember(_ request: Span<UInt8>) {
        lastHead = []
        guard changedHeads < RequestReader.changedHeadsMax,
            head.length <= limits.repeatedHeadBytesMax
        else { return }
        changedHeads += 1
        var bytes: [UInt8] = []
        bytes.append(request, 0..<head.length)
        lastHead = shared?.share(bytes) ?? bytes
    }

    private mutating func beginRequest() {
        hasHead = false
        swap(&head.fields, &parser.fields)
        if !assembled.isEmpty { assembled = [] }
        parser.reset()
    }

    /// - Returns: false while the head is incomplete.
    private mutating func readHead(
        _ bytes: Span<UInt8>, _ offset: Int
    ) throws(ProtocolError) -> Bool {
        let request = bytes.extracting(offset..<bytes.count)
        guard let length = try parser.parse(request, limits) else { return false }
        head.length = length
        head.minorVersion = parser.minorVersion
        head.bodyLength = 0
        head.isRepeated = false
        // Moved, not shared: there is one owner, and nothing to count.
        swap(&head.fields, &parser.fields)
        head.method = .get
        head.path = parser.target
        hasHead = true
        head.method = try RequestTarget.method(request, parser.method)
        head.path = try RequestTarget.path(request, parser.target, head.method)
        let framing = try BodyFraming(
            request, head.fields, minorVersion: parser.minorVersion, limits)
        head.keepsAlive = framing.keepsAlive
        switch framing.length {
        case .bytes(let count):
            head.bodyLength = count
            if framing.expectsContinue { lastHead = [] } else { remember(request) }
            phase = .body(expectsContinue: framing.expectsContinue)
        case .chunked:
            lastHead = []
            phase = .chunks(ChunkedDecoder(), expectsContinue: framing.expectsContinue)
        }
        return true
    }
}
