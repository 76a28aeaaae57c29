// The method and the target of a request line (RFC 9110 §9, RFC 9112 §3).

import Bytes

enum RequestTarget {
    /// The method, compared with its case (RFC 9110 §9.1).
    ///
    /// - Parameter bytes: a whole head; so eight bytes stand from the start of the method on.
    /// - Throws: `methodUnknown` (RFC 9110 §15.6.2). CONNECT counts as unknown: this is no proxy.
    static func method(
        _ bytes: Span<UInt8>, _ range: Range<Int>
    ) throws(ProtocolError) -> Method {
        guard range.count < 8 else { throw .methodUnknown }
        // As one number, without what stands behind the method.
        let word = bytes.word(at: range.lowerBound) & (1 &<< (8 &* UInt64(range.count)) &- 1)
        switch word {
        case 0x5453_4F50: return .post
        case 0x54_4547: return .get
        case 0x4441_4548: return .head
        case 0x53_4E4F_4954_504F: return .options
        case 0x54_5550: return .put
        case 0x4554_454C_4544: return .delete
        case 0x48_4354_4150: return .patch
        case 0x45_4341_5254: return .trace
        default: throw .methodUnknown
        }
    }

    /// The path of an origin-form or absolute-form target, or `*` with OPTIONS (RFC 9112 §3.2.1,
    /// §3.2.2, §3.2.4). The query is left out; authority-form is for CONNECT only (§3.2.3).
    ///
    /// - Throws: `malformed(.target)`.
    static func path(
        _ bytes: Span<UInt8>, _ target: Range<Int>, _ method: Method
    ) throws(ProtocolError) -> Range<Int> {
        let start = target.lowerBound
        if bytes[start] == UInt8(ascii: "/") {
            return start..<queryStart(bytes, target)
        }
        if bytes[start] == UInt8(ascii: "*"), target.count == 1, method == .options {
            return target
        }
        for scheme in schemes where target.count > scheme.count {
            let head = start..<start + scheme.count
            guard equalIgnoringCase(bytes, head, scheme) else { continue }
            var at = head.upperBound
            while at < target.upperBound, !isAuthorityEnd(bytes[at]) { at += 1 }
            // RFC 9110 §4.2.1: an empty host is invalid, with a port or without; §4.2.4: user
            // information is an error.
            guard at > head.upperBound, bytes[head.upperBound] != UInt8(ascii: ":"),
                Authority.isValid(bytes, head.upperBound..<at)
            else { break }
            return at..<queryStart(bytes, at..<target.upperBound)
        }
        throw .malformed(.target)
    }

    // Both in any case (RFC 3986 §3.1, RFC 9110 §4.2).
    private static let schemes = [[UInt8]("http://".utf8), [UInt8]("https://".utf8)]

    /// RFC 3986 §3.2; a fragment mark never comes this far.
    private static func isAuthorityEnd(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "/") || byte == UInt8(ascii: "?")
    }

    /// The first question mark, or the end. The line goes on behind the target with `HTTP/1.1`, so there
    /// are eight bytes to look at wherever a byte of the target is.
    private static func queryStart(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int {
        var at = range.lowerBound
        while at < range.upperBound {
            let marks = Grammar.questionMarks(bytes.word(at: at))
            if marks != 0 {
                return min(at &+ marks.trailingZeroBitCount &>> 3, range.upperBound)
            }
            at &+= 8
        }
        return range.upperBound
    }
}
