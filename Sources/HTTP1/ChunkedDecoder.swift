// The chunked transfer coding (RFC 9112 §7.1), byte by byte. Extensions and trailers are checked,
// bounded and dropped.

import Bytes

struct ChunkedDecoder {
    private enum Step {
        case sizeStart, size, sizeBlank, extensions, sizeEnd, data, dataReturn, dataEnd
        case trailerStart, trailerName, trailerValue, trailerEnd, end, done
    }

    private var step = Step.sizeStart
    private var remaining = 0
    private var overhead = 0

    var isDone: Bool { step == .done }

    /// `1 CR LF` before and `CR LF` behind a chunk of one byte, and a size with leading zeros.
    private static let framingBytesPerByte = 8

    /// Decodes from `offset` on and moves it behind what it took; `isDone` says when all is there.
    mutating func decode(
        _ bytes: Span<UInt8>, _ offset: inout Int, into body: inout [UInt8], bodyStart: Int,
        _ limits: Limits
    ) throws(ProtocolError) {
        while offset < bytes.count, step != .done {
            if step == .data {
                let count = min(remaining, bytes.count - offset)
                body.append(bytes, offset..<offset + count)
                offset += count
                remaining -= count
                if remaining == 0 { step = .dataReturn }
                continue
            }
            overhead += 1
            // Plain framing is in proportion to the data, even in chunks of one byte. The rest is to be
            // limited: extensions by RFC 9112 §7.1.1, trailers by RFC 9110 §17.5.
            let framing = ChunkedDecoder.framingBytesPerByte * (body.count - bodyStart)
            if overhead > limits.chunkOverheadBytesMax + framing { throw .bodyTooLarge }
            try take(bytes[offset])
            offset += 1
            if step == .data, body.count - bodyStart + remaining > limits.bodyBytesMax {
                throw .bodyTooLarge
            }
        }
    }

    /// A chunk's data end with CR LF (RFC 9112 §7.1); two other bytes there are a smuggling class.
    private mutating func take(_ byte: UInt8) throws(ProtocolError) {
        switch step {
        case .sizeStart, .size, .sizeBlank, .extensions, .sizeEnd: try takeSize(byte)
        case .dataReturn:
            guard byte == Grammar.carriageReturn else { throw .malformed(.chunk) }
            step = .dataEnd
        case .dataEnd:
            guard byte == Grammar.lineFeed else { throw .malformed(.chunk) }
            step = .sizeStart
        case .trailerStart, .trailerName, .trailerValue, .trailerEnd, .end: try takeTrailer(byte)
        case .data, .done: preconditionFailure("decode handles data and stops when done")
        }
    }

    /// chunk-size [ chunk-ext ] CRLF (RFC 9112 §7.1, §7.1.1): 1*HEXDIG that cannot overflow; an
    /// extension is any text without control characters, and ignored.
    private mutating func takeSize(_ byte: UInt8) throws(ProtocolError) {
        switch step {
        case .sizeStart, .size:
            if let digit = Hexadecimal.value(byte) {
                // Far above any body limit, far below overflow.
                guard remaining < 1 << 40 else { throw .bodyTooLarge }
                remaining = remaining << 4 | Int(digit)
                step = .size
                return
            }
            guard step == .size else { throw .malformed(.chunk) }
            try leaveSize(byte)
        case .sizeBlank:
            try leaveSize(byte)
        case .extensions:
            if byte == Grammar.carriageReturn {
                step = .sizeEnd
            } else if !Grammar.isFieldValue(byte) {
                throw .malformed(.chunk)
            }
        case .sizeEnd:
            guard byte == Grammar.lineFeed else { throw .malformed(.chunk) }
            step = remaining == 0 ? .trailerStart : .data
        case .data, .dataReturn, .dataEnd, .trailerStart, .trailerName, .trailerValue,
            .trailerEnd, .end, .done:
            preconditionFailure("only steps of a size line come here")
        }
    }

    /// Behind the digits: blanks (only before a semicolon, RFC 9112 §7.1.1), extensions, or the end
    /// of the line.
    private mutating func leaveSize(_ byte: UInt8) throws(ProtocolError) {
        if byte == UInt8(ascii: ";") {
            step = .extensions
        } else if Grammar.isBlank(byte) {
            step = .sizeBlank
        } else if byte == Grammar.carriageReturn, step == .size {
            step = .sizeEnd
        } else {
            throw .malformed(.chunk)
        }
    }

    /// *( field-line CRLF ) CRLF (RFC 9112 §7.1.2), each line as in the header section (§5, §2.2).
    private mutating func takeTrailer(_ byte: UInt8) throws(ProtocolError) {
        switch step {
        case .trailerStart:
            if byte == Grammar.carriageReturn {
                step = .end
            } else if Grammar.isToken(byte) {
                step = .trailerName
            } else {
                throw .malformed(.trailer)
            }
        case .trailerName:
            if byte == UInt8(ascii: ":") {
                step = .trailerValue
            } else if !Grammar.isToken(byte) {
                throw .malformed(.trailer)
            }
        case .trailerValue:
            if byte == Grammar.carriageReturn {
                step = .trailerEnd
            } else if !Grammar.isFieldValue(byte) {
                throw .malformed(.trailer)
            }
        case .trailerEnd:
            guard byte == Grammar.lineFeed else { throw .malformed(.trailer) }
            step = .trailerStart
        case .end:
            guard byte == Grammar.lineFeed else { throw .malformed(.trailer) }
            step = .done
        case .sizeStart, .size, .sizeBlank, .extensions, .sizeEnd, .data, .dataReturn, .dataEnd,
            .done:
            preconditionFailure("only steps of the trailer section come here")
        }
    }
}
