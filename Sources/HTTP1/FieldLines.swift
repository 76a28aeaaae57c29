// The header section, byte by byte: *( field-name ":" OWS field-value OWS CRLF ) CRLF (RFC 9112 §5).
// It may stop after any byte, and goes on from there.

import Bytes

/// Parses the lines behind the request line, up to the CR of the empty line.
struct FieldLines {
    private enum Step: UInt8 { case start, name, beforeValue, value, valueEnd }

    // Of the line that has begun.
    private var step = Step.start
    private var nameStart = 0
    private var nameEnd = 0
    private var valueStart = 0

    /// Goes through as many lines as there are bytes, and places, in registers; what must survive until
    /// the next bytes come is written back at the end.
    ///
    /// The name is a token (RFC 9110 §5.1) with the colon right behind it (RFC 9112 §5.1), the value has
    /// no control characters (RFC 9110 §5.5), lines end with CR LF (RFC 9112 §2.2).
    ///
    /// - Parameters:
    ///   - all: the bytes of the request.
    ///   - position: of the first that nobody has looked at.
    ///   - count: of the places of `table` that have a field already.
    /// - Returns: true behind the CR of the empty line; false where there are no more bytes, no place for
    ///   the field that begins here, or else where the next byte is one that is refused.
    mutating func parse(
        _ all: Span<UInt8>, from position: inout Int, into table: inout [Field],
        _ count: inout Int
    ) -> Bool {
        // What nobody has looked at. That it loses bytes at its start takes fewer comparisons for each
        // word than an index into all does.
        var rest = all.extracting(position..<all.count)
        // Asks once for all fields whether somebody shares the table, and where it is.
        var places = table.mutableSpan
        var (used, line) = (count, self)
        defer { (position, count, self) = (all.count &- rest.count, used, line) }
        while !rest.isEmpty {
            if line.step == .start {
                if rest[0] == Grammar.carriageReturn {
                    rest = rest.extracting(droppingFirst: 1)
                    return true
                }
                if used == places.count { return false }
                line.nameStart = all.count &- rest.count
                line.step = .name
            }
            if line.step == .name {
                FieldLines.skipName(&rest)
                line.nameEnd = all.count &- rest.count
                guard line.hasName, !rest.isEmpty, rest[0] == UInt8(ascii: ":") else {
                    return false
                }
                rest = rest.extracting(droppingFirst: 1)
                line.step = .beforeValue
            }
            if line.step == .beforeValue {
                FieldLines.skipBlanks(&rest)
                line.valueStart = all.count &- rest.count
                if rest.isEmpty { return false }
                line.step = .value
            }
            if line.step == .value {
                FieldLines.skipValue(&rest)
                guard !rest.isEmpty, rest[0] == Grammar.carriageReturn else { return false }
                places[used] = line.field(all, all.count &- rest.count)
                used &+= 1
                rest = rest.extracting(droppingFirst: 1)
                line.step = .valueEnd
            }
            guard !rest.isEmpty, rest[0] == Grammar.lineFeed else { return false }
            rest = rest.extracting(droppingFirst: 1)
            line.step = .start
        }
        return false
    }

    private var hasName: Bool { nameEnd > nameStart }

    /// True where another field begins with this byte.
    func isStart(_ byte: UInt8) -> Bool { step == .start && Grammar.isToken(byte) }

    /// What is wrong with the byte that `parse` has stopped at.
    func refusal(_ byte: UInt8) -> ProtocolError {
        switch step {
        case .name where hasName: .malformed(.fieldName)
        case .start, .name:
            // Neither a field nor the empty line: a folded line (RFC 9112 §5.2), or white space before
            // the first field (§2.2), a bare LF (§2.2), no token (RFC 9110 §5.1).
            if Grammar.isBlank(byte) {
                .malformed(.lineFolding)
            } else {
                .malformed(byte == Grammar.lineFeed ? .bareLineFeed : .fieldName)
            }
        case .beforeValue, .value:
            .malformed(byte == Grammar.lineFeed ? .bareLineFeed : .fieldValue)
        case .valueEnd: .malformed(.bareCarriageReturn)
        }
    }

    /// The field whose value ends here, without the white space before its end.
    @inline(__always)
    private func field(_ bytes: Span<UInt8>, _ end: Int) -> Field {
        var end = end
        // There seldom is any; one look tells, and nothing below the space but a tab has come this far.
        if bytes[end &- 1] <= Grammar.space {
            while end > valueStart, Grammar.isBlank(bytes[end &- 1]) { end &-= 1 }
        }
        // A head is at most as long as 16 bits count (`Limits.isConsistent`).
        return Field(
            nameStart: UInt16(truncatingIfNeeded: nameStart),
            nameEnd: UInt16(truncatingIfNeeded: nameEnd),
            valueStart: UInt16(truncatingIfNeeded: valueStart),
            valueEnd: UInt16(truncatingIfNeeded: end))
    }

    @inline(__always)
    private static func skipBlanks(_ rest: inout Span<UInt8>) {
        while !rest.isEmpty, Grammar.isBlank(rest[0]) { rest = rest.extracting(droppingFirst: 1) }
    }

    @inline(__always)
    private static func skipName(_ rest: inout Span<UInt8>) {
        while rest.count >= 8 {
            let beyond = Grammar.beyondNames(rest.word(at: 0))
            guard beyond == 0 else {
                rest = rest.extracting(droppingFirst: beyond.trailingZeroBitCount &>> 3)
                // It nearly always is.
                if rest[0] == UInt8(ascii: ":") { return }
                break
            }
            rest = rest.extracting(droppingFirst: 8)
        }
        while !rest.isEmpty, Grammar.isToken(rest[0]) { rest = rest.extracting(droppingFirst: 1) }
    }

    @inline(__always)
    private static func skipValue(_ rest: inout Span<UInt8>) {
        while rest.count >= 8 {
            let controls = Grammar.controls(rest.word(at: 0))
            guard controls == 0 else {
                rest = rest.extracting(droppingFirst: controls.trailingZeroBitCount &>> 3)
                if rest[0] == Grammar.carriageReturn { return }
                break
            }
            rest = rest.extracting(droppingFirst: 8)
        }
        while !rest.isEmpty, Grammar.isFieldValue(rest[0]) {
            rest = rest.extracting(droppingFirst: 1)
        }
    }
}
