// The request line, byte by byte: method SP request-target SP HTTP-version CRLF (RFC 9112 §3). It may
// stop after any byte, and goes on from there.

import Bytes

/// Parses the first line of a head. One SP each; only CR LF ends the line, and a CR in front of
/// anything else is refused (RFC 9112 §2.2).
struct RequestLine {
    private enum Step: UInt8 { case method, target, version, end }

    private var step = Step.method
    /// Where the part begins that the step is about.
    private var mark = 0
    private(set) var method = 0..<0
    private(set) var target = 0..<0
    /// 0 or 1: HTTP/1.0, or HTTP/1.1 and later.
    private(set) var minorVersion = 1

    /// Goes on from `position`, and moves it behind what is done with.
    ///
    /// - Parameter bytes: those of the request, from its first.
    /// - Returns: true behind the line; false where the bytes end before it does.
    mutating func parse(
        _ bytes: Span<UInt8>, from position: inout Int, _ limits: Limits
    ) throws(ProtocolError) -> Bool {
        // In registers, and written back once.
        var at = position
        defer { position = at }
        if step == .method {
            RequestLine.skipMethod(bytes, &at)
            guard at < bytes.count else { return false }
            guard bytes[at] == Grammar.space, at > 0 else { throw .malformed(.requestLine) }
            method = 0..<at
            at &+= 1
            mark = at
            step = .target
        }
        if step == .target {
            // No more than the limit is looked at (RFC 9112 §3: 414).
            RequestLine.skipTarget(bytes, &at, min(bytes.count, mark + limits.targetBytesMax + 1))
            if at - mark > limits.targetBytesMax { throw .targetTooLong }
            guard at < bytes.count else { return false }
            guard bytes[at] == Grammar.space, at > mark else { throw .malformed(.requestLine) }
            target = mark..<at
            at &+= 1
            mark = at
            step = .version
        }
        if step == .version {
            if at == mark, RequestLine.isUsualEnd(bytes, at) {
                minorVersion = 1
                at &+= 10
                return true
            }
            while at < bytes.count, step == .version {
                try parseVersion(bytes[at], at &- mark)
                at &+= 1
            }
        }
        guard at < bytes.count else { return false }
        guard bytes[at] == Grammar.lineFeed else { throw .malformed(.bareCarriageReturn) }
        at &+= 1
        return true
    }

    /// A token (RFC 9112 §3.1).
    @inline(__always)
    private static func skipMethod(_ bytes: Span<UInt8>, _ at: inout Int) {
        // Eight bytes at a time are enough for all methods that anybody uses.
        if at &+ 8 <= bytes.count {
            at &+= Grammar.beyondNames(bytes.word(at: at)).trailingZeroBitCount &>> 3
        }
        while at < bytes.count, Grammar.isToken(bytes[at]) { at &+= 1 }
    }

    /// Any bytes of a target (RFC 9112 §3.2).
    @inline(__always)
    private static func skipTarget(_ bytes: Span<UInt8>, _ at: inout Int, _ longest: Int) {
        while at &+ 8 <= longest {
            let beyond = Grammar.beyondTargets(bytes.word(at: at))
            at &+= beyond.trailingZeroBitCount &>> 3
            if beyond != 0 { break }
        }
        while at < longest, Grammar.isTarget(bytes[at]) { at &+= 1 }
    }

    /// True where that stands here which nearly all clients send, `HTTP/1.1` and the end of the line.
    @inline(__always)
    private static func isUsualEnd(_ bytes: Span<UInt8>, _ at: Int) -> Bool {
        at &+ 10 <= bytes.count && bytes.word(at: at) == usualVersion
            && bytes[at &+ 8] == Grammar.carriageReturn && bytes[at &+ 9] == Grammar.lineFeed
    }

    /// `HTTP/1.1`, the first byte in the lowest place.
    private static let usualVersion: UInt64 = 0x312E_312F_5054_5448

    /// HTTP-name "/" DIGIT "." DIGIT, then CR (RFC 9112 §2.3).
    private mutating func parseVersion(_ byte: UInt8, _ offset: Int) throws(ProtocolError) {
        switch offset {
        case 0..<5:
            guard byte == RequestLine.versionPrefix[offset] else { throw .malformed(.requestLine) }
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
            step = .end
        }
    }

    private static let versionPrefix = [UInt8]("HTTP/".utf8)
}
