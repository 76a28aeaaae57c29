// Target `parser`: the bytes are what a client sends. Any split of them gives the same requests
// and the same refusal, and what is said of a request is true of its bytes.

@testable import HTTP1

enum ParserTarget {
    static func run(_ input: [UInt8]) {
        var random = InputRandom(input)
        let whole = ReaderPass(input, [input.count], Limits())
        let portions = ReaderPass(input, random.portionEnds(input.count), Limits())
        require(portions == whole, "portions give the same requests as the whole")
        let single = ReaderPass(input, Array(0...input.count).dropFirst(), Limits())
        require(single == whole, "single bytes give the same requests as the whole")

        let tightWhole = ReaderPass(input, [input.count], tight)
        let tightPortions = ReaderPass(input, random.portionEnds(input.count), tight)
        require(tightPortions == tightWhole, "the same, where limits are met all the time")
        let tightSingle = ReaderPass(input, Array(0...input.count).dropFirst(), tight)
        require(tightSingle == tightWhole, "the same, byte by byte")
        require(whole.requests.starts(with: tightWhole.requests), "limits only ever refuse")
        if !tightWhole.isOverLimit {
            require(whole == tightWhole, "a limit that is not reached changes nothing")
        }
    }

    /// So small that a few hundred bytes reach every one.
    static let tight = {
        var limits = Limits()
        limits.targetBytesMax = 64
        limits.headBytesMax = 256
        limits.fieldsMax = 6
        limits.bodyBytesMax = 96
        limits.chunkOverheadBytesMax = 48
        return limits
    }()
}

/// What a reader makes of bytes that come in portions.
struct ReaderPass: Equatable {
    /// Every request, with the bytes that its ranges name.
    private(set) var requests: [UInt8] = []
    /// The refusal, or how much of an unfinished request is left.
    private var ending: [UInt8] = []
    private(set) var isOverLimit = false

    init(_ input: [UInt8], _ ends: some Sequence<Int>, _ limits: Limits) {
        var reader = RequestReader(limits: limits)
        var start = 0
        var continues = 0
        for end in ends {
            // What is done with is gone, as it is on a connection.
            let given = input.span.extracting(start..<end)
            var offset = 0
            reading: while offset < given.count {
                let before = offset
                let event = reader.read(given, from: &offset)
                require(before <= offset && offset <= given.count, "the reader moves forward")
                switch event {
                case .incomplete: break reading
                case .continueExpected:
                    continues += 1
                    require(continues == 1 && reader.hasHead, "continue is said once, after a head")
                case .request(.input(let range)):
                    continues = 0
                    let skipped = range.lowerBound - before
                    require(
                        range.upperBound == offset && (skipped == 0 || skipped == 2),
                        "a request is what was read, but for an empty line before it")
                    note(reader.head, given.extracting(range), limits)
                case .request(.assembled):
                    continues = 0
                    note(reader.head, reader.assembled.span, limits)
                    reader.dropAssembled()
                case .refused(let error):
                    noteRefusal(error, &reader, given, offset)
                    return
                }
            }
            start += offset
        }
        let left = input.count - start
        require(!reader.isBetweenRequests || left == 0, "between requests nothing is left over")
        ending.append(contentsOf: "\(reader.isBetweenRequests) \(left)".utf8)
    }

    private mutating func note(_ head: RequestHead, _ bytes: Span<UInt8>, _ limits: Limits) {
        RequestPromises.check(head, bytes, limits)
        requests.append(contentsOf: "\n\(head.length) \(head.bodyLength) ".utf8)
        requests.append(head.keepsAlive ? 1 : 0)
        appendHead(head, bytes, to: &requests)
        requests.append(bytes, head.body)
    }

    private func appendHead(
        _ head: RequestHead, _ bytes: Span<UInt8>, to output: inout [UInt8]
    ) {
        output.append(UInt8(head.minorVersion))
        output.append(head.method.number)
        output.append(bytes, head.path)
        for field in head.fields {
            output.append(0)
            output.append(bytes, field.name)
            output.append(1)
            output.append(bytes, field.value)
        }
    }

    /// Nothing behind a refusal is looked at, and what was read of the head is still there.
    private mutating func noteRefusal(
        _ error: ProtocolError, _ reader: inout RequestReader, _ given: Span<UInt8>, _ offset: Int
    ) {
        var again = offset
        require(reader.read(given, from: &again) == .refused(error), "a refusal is final")
        require(again == offset, "nothing is read behind a refusal")
        isOverLimit = [.targetTooLong, .headTooLarge, .bodyTooLarge].contains(error)
        ending.append(contentsOf: "\(error)".utf8)
        guard reader.hasHead, !reader.isBetweenRequests else { return }
        if reader.assembled.isEmpty {
            appendHead(reader.head, given.extracting(offset..<given.count), to: &ending)
        } else {
            appendHead(reader.head, reader.assembled.span, to: &ending)
        }
    }
}

extension Method {
    fileprivate var number: UInt8 {
        switch self {
        case .get: 0
        case .head: 1
        case .post: 2
        case .put: 3
        case .delete: 4
        case .patch: 5
        case .options: 6
        case .trace: 7
        }
    }
}
