// The method and the target of a request line (RFC 9110 §9, RFC 9112 §3).

import Bytes

enum RequestTarget {
    /// The method, compared with its case (RFC 9110 §9.1).
    ///
    /// - Throws: `methodUnknown` (RFC 9110 §15.6.2). CONNECT counts as unknown: this is no proxy.
    static func method(
        _ bytes: Span<UInt8>, _ range: Range<Int>
    ) throws(ProtocolError) -> Method {
        for (name, method) in known where name.count == range.count {
            var isSame = true
            for offset in 0..<range.count where bytes[range.lowerBound + offset] != name[offset] {
                isSame = false
                break
            }
            if isSame { return method }
        }
        throw .methodUnknown
    }

    // The most frequent first.
    private static let known: [([UInt8], Method)] = [
        ([UInt8]("POST".utf8), .post), ([UInt8]("GET".utf8), .get),
        ([UInt8]("HEAD".utf8), .head), ([UInt8]("OPTIONS".utf8), .options),
        ([UInt8]("PUT".utf8), .put), ([UInt8]("DELETE".utf8), .delete),
        ([UInt8]("PATCH".utf8), .patch), ([UInt8]("TRACE".utf8), .trace),
    ]

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

    private static func queryStart(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int {
        var at = range.lowerBound
        while at < range.upperBound, bytes[at] != UInt8(ascii: "?") { at += 1 }
        return at
    }
}
