// The request line and the header section, byte by byte (RFC 9112 §2–§5). It may stop after any
// byte and goes on from there: nothing is looked at twice. What the fields mean is not its matter.

import Bytes

/// Parses one head. Give it the same bytes again, longer, until it is done.
struct HeadParser {
    private enum Step {
        case start, emptyLine, method, target, version, versionEnd
        case fieldStart, name, beforeValue, value, valueEnd, end
    }

    private var step = Step.start
    private var position = 0
    private var mark = 0
    private var nameEnd = 0
    private var valueStart = 0
    private var hasSkippedLine = false
    private(set) var method = 0..<0
    private(set) var target = 0..<0
    var fields: [Field] = []
    private(set) var minorVersion = 1

    /// True before the first byte of a request line has been seen.
    var isAtStart: Bool { step == .start }

    /// Makes ready for the next request, keeping memory.
    mutating func reset() {
        step = .start
        position = 0
        hasSkippedLine = false
        fields.removeAll(keepingCapacity: true)
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
    /// - Parameter bytes: all bytes from the first of this request.
    /// - Returns: the length of the head, or nil while it is incomplete, and behind an empty line.
    mutating func parse(_ bytes: Span<UInt8>, _ limits: Limits) throws(ProtocolError) -> Int? {
        let end = min(bytes.count, limits.headBytesMax)
        while position < end {
            switch step {
            case .emptyLine:
                guard bytes[position] == Grammar.lineFeed else {
                    throw .malformed(.bareCarriageReturn)
                }
                hasSkippedLine = true
                step = .start
                position += 1
                // No part of the request: let go of first, so that it never counts in its limits.
                return nil
            case .start, .method, .target, .version, .versionEnd:
                try parseRequestLine(bytes, end, limits)
            case .end:
                guard bytes[position] == Grammar.lineFeed else {
                    throw .malformed(.bareCarriageReturn)
                }
                position += 1
                return position
            case .fieldStart, .name, .beforeValue, .value, .valueEnd:
                try parseFields(bytes, end, limits)
            }
        }
        if position >= limits.headBytesMax { throw .headTooLarge }
        return nil
    }

    /// method SP request-target SP HTTP-version CRLF (RFC 9112 §3). One SP each; only CR LF ends a
    /// line, and a CR in front of anything else is refused (§2.2).
    private mutating func parseRequestLine(
        _ bytes: Span<UInt8>, _ end: Int, _ limits: Limits
    ) throws(ProtocolError) {
        let byte = bytes[position]
        switch step {
        case .start:
            // One empty line before a request is tolerated (RFC 9112 §2.2).
            if byte == Grammar.carriageReturn, !hasSkippedLine {
                step = .emptyLine
                position += 1
                return
            }
            guard Grammar.isToken(byte) else { throw .malformed(.requestLine) }
            mark = position
            step = .method
        case .method:
            while position < end, Grammar.isToken(bytes[position]) { position += 1 }
            guard position < end else { return }
            guard bytes[position] == Grammar.space else { throw .malformed(.requestLine) }
            method = mark..<position
            position += 1
            mark = position
            step = .target
        case .target:
            try parseTarget(bytes, end, limits)
        case .version:
            while position < end, step == .version { try parseVersion(bytes[position]) }
        case .versionEnd:
            guard byte == Grammar.lineFeed else { throw .malformed(.bareCarriageReturn) }
            position += 1
            step = .fieldStart
        case .emptyLine, .fieldStart, .name, .beforeValue, .value, .valueEnd, .end:
            preconditionFailure("only steps of the request line come here")
        }
    }

    /// Any bytes of a target (RFC 9112 §3.2), no more than the limit (§3: 414).
    private mutating func parseTarget(
        _ bytes: Span<UInt8>, _ end: Int, _ limits: Limits
    ) throws(ProtocolError) {
        let longest = min(end, mark + limits.targetBytesMax + 1)
        while position < longest, Grammar.isTarget(bytes[position]) { position += 1 }
        if position - mark > limits.targetBytesMax { throw .targetTooLong }
        guard position < end else { return }
        guard bytes[position] == Grammar.space, position > mark else {
            throw .malformed(.requestLine)
        }
        target = mark..<position
        position += 1
        mark = position
        step = .version
    }

    /// HTTP-name "/" DIGIT "." DIGIT, then CR (RFC 9112 §2.3).
    private mutating func parseVersion(_ byte: UInt8) throws(ProtocolError) {
        let at = position - mark
        switch at {
        case 0..<5:
            guard byte == HeadParser.versionPrefix[at] else { throw .malformed(.requestLine) }
        case 5:
            guard Grammar.isDigit(byte) else { throw .malformed(.requestLine) }
            if byte != UInt8(ascii: "1") { throw .versionUnsupported }
        case 6:
            guard byte == UInt8(ascii: ".") else { throw .malformed(.requestLine) }
        case 7:
            guard Grammar.isDigit(byte) else { throw .malformed(.requestLine) }
            minorVersion = byte == UInt8(ascii: "0") ? 0 : 1
        default:
            guard byte == Grammar.carriageReturn else {
                throw .malformed(byte == Grammar.lineFeed ? .bareLineFeed : .requestLine)
            }
            step = .versionEnd
        }
        position += 1
    }

    private static let versionPrefix = [UInt8]("HTTP/".utf8)

    /// *( field-name ":" OWS field-value OWS CRLF ) CRLF (RFC 9112 §5): the name is a token
    /// (RFC 9110 §5.1) with the colon right behind it (RFC 9112 §5.1), the value has no control
    /// characters (RFC 9110 §5.5), lines end with CR LF (RFC 9112 §2.2).
    ///
    /// Goes through as many steps as there are bytes, in registers; what must survive until the
    /// next bytes come is written back at the end.
    private mutating func parseFields(
        _ all: Span<UInt8>, _ end: Int, _ limits: Limits
    ) throws(ProtocolError) {
        // One bound for the loops and for the compiler's own checks.
        let bytes = all.extracting(0..<end)
        var (at, step) = (position, step)
        defer { (position, self.step) = (at, step) }
        while at < bytes.count {
            switch step {
            case .fieldStart:
                let byte = bytes[at]
                guard Grammar.isToken(byte) else {
                    guard byte == Grammar.carriageReturn else { throw HeadParser.refusal(byte) }
                    at += 1
                    step = .end
                    return
                }
                if fields.count == limits.fieldsMax { throw .headTooLarge }
                mark = at
                step = .name
            case .name:
                while at < bytes.count, Grammar.isToken(bytes[at]) { at += 1 }
                guard at < bytes.count else { return }
                guard bytes[at] == UInt8(ascii: ":") else { throw .malformed(.fieldName) }
                nameEnd = at
                at += 1
                step = .beforeValue
            case .beforeValue:
                while at < bytes.count, Grammar.isBlank(bytes[at]) { at += 1 }
                guard at < bytes.count else { return }
                valueStart = at
                step = .value
            case .value:
                while at &+ 8 <= bytes.count {
                    let controls = Grammar.controls(bytes.word(at: at))
                    at &+= controls == 0 ? 8 : controls.trailingZeroBitCount &>> 3
                    if controls != 0 { break }
                }
                while at < bytes.count, Grammar.isFieldValue(bytes[at]) { at += 1 }
                guard at < bytes.count else { return }
                guard bytes[at] == Grammar.carriageReturn else {
                    throw .malformed(bytes[at] == Grammar.lineFeed ? .bareLineFeed : .fieldValue)
                }
                appendField(bytes, valueEnd: at)
                at += 1
                step = .valueEnd
            case .valueEnd:
                guard bytes[at] == Grammar.lineFeed else { throw .malformed(.bareCarriageReturn) }
                at += 1
                step = .fieldStart
            case .start, .emptyLine, .method, .target, .version, .versionEnd, .end:
                preconditionFailure("only steps of the header section come here")
            }
        }
    }

    /// What begins neither a field nor the empty line: a folded line (RFC 9112 §5.2), or white space
    /// before the first field (§2.2), a bare LF (§2.2), no token (RFC 9110 §5.1).
    private static func refusal(_ byte: UInt8) -> ProtocolError {
        if Grammar.isBlank(byte) { return .malformed(.lineFolding) }
        return .malformed(byte == Grammar.lineFeed ? .bareLineFeed : .fieldName)
    }

    /// Appends the field that ends here, without the white space before its end (RFC 9112 §5.1).
    private mutating func appendField(_ bytes: Span<UInt8>, valueEnd: Int) {
        var end = valueEnd
        while end > valueStart, Grammar.isBlank(bytes[end - 1]) { end -= 1 }
        fields.append(
            Field(
                nameStart: UInt16(mark), nameEnd: UInt16(nameEnd),
                valueStart: UInt16(valueStart), valueEnd: UInt16(end)))
    }
}
