// The request line and the header section, byte by byte (RFC 9112 §2–§5). It may stop after any
// byte and goes on from there: nothing is looked at twice. What the fields mean is not its matter.

/// Parses one head. Give it the same bytes again, longer, until it is done.
struct HeadParser {
    private enum Step: UInt8 { case start, emptyLine, requestLine, fields, end }

    private var step = Step.start
    private var position = 0
    private var hasSkippedLine = false
    private(set) var requestLine = RequestLine()
    private var lines = FieldLines()

    /// True before the first byte of a request line has been seen.
    var isAtStart: Bool { step == .start }

    /// True before the first byte.
    var isUnused: Bool { step == .start && position == 0 && !hasSkippedLine }

    /// Makes ready for the next request.
    mutating func reset() {
        step = .start
        position = 0
        hasSkippedLine = false
        requestLine = RequestLine()
        lines = FieldLines()
    }

    /// Behind an empty line: lets go of the line, which is no part of the request.
    ///
    /// - Returns: how many bytes need not be given again.
    mutating func skipEmptyLine() -> Int {
        guard step == .start else { return 0 }
        defer { position = 0 }
        return position
    }

    /// Goes on where it stopped.
    ///
    /// - Parameters:
    ///   - given: all bytes from the first of this request.
    ///   - fields: what was found so far; nothing else may change it.
    /// - Returns: the length of the head, or nil while it is incomplete, and behind an empty line.
    mutating func parse(
        _ given: Span<UInt8>, _ limits: Limits, _ fields: inout Fields
    ) throws(ProtocolError) -> Int? {
        let bytes = given.extracting(first: limits.headBytesMax)
        if step == .start {
            guard position < bytes.count else { return nil }
            // One empty line before a request is tolerated (RFC 9112 §2.2).
            let isEmptyLine = bytes[position] == Grammar.carriageReturn && !hasSkippedLine
            step = isEmptyLine ? .emptyLine : .requestLine
            if isEmptyLine { position += 1 }
        }
        if step == .emptyLine {
            guard position < bytes.count else { return nil }
            guard bytes[position] == Grammar.lineFeed else { throw .malformed(.bareCarriageReturn) }
            hasSkippedLine = true
            step = .start
            position += 1
            // No part of the request: let go of first, so that it never counts in its limits.
            return nil
        }
        if step == .requestLine, try requestLine.parse(bytes, from: &position, limits) {
            step = .fields
        }
        if step == .fields, try fields.parse(bytes, from: &position, &lines, limits) {
            step = .end
        }
        if step == .end, position < bytes.count {
            guard bytes[position] == Grammar.lineFeed else { throw .malformed(.bareCarriageReturn) }
            position += 1
            return position
        }
        if bytes.count == limits.headBytesMax { throw .headTooLarge }
        return nil
    }
}
