// How long the content is, and whether the connection stays (RFC 9112 §6, §9.3): what the header
// fields say about framing. A smuggling risk is refused, never guessed at.

import Bytes

struct BodyFraming {
    enum Length: Equatable {
        case bytes(Int)
        case chunked
    }

    private(set) var length = Length.bytes(0)
    private(set) var keepsAlive: Bool
    private(set) var expectsContinue = false

    private var hosts = 0
    private var hasContentLength = false
    private var hasTransferEncoding = false

    /// - Throws: what makes the fields contradictory, unknown or too large.
    init(
        _ bytes: Span<UInt8>, _ fields: borrowing Fields, minorVersion: Int, _ limits: Limits
    ) throws(ProtocolError) {
        keepsAlive = minorVersion > 0
        for index in 0..<fields.count {
            let field = fields[index]
            // Most fields are about something else, and most of those have names of other lengths.
            guard BodyFraming.lengths &>> UInt64(field.nameLength) & 1 == 1 else { continue }
            switch field.nameLength {
            case 4 where field.isNamed(BodyFraming.host, bytes):
                hosts += 1
                guard Authority.isValid(bytes, field.value) else { throw .malformed(.host) }
            case 6 where field.isNamed(BodyFraming.expect, bytes):
                // An expectation of an HTTP/1.0 client is ignored (RFC 9110 §10.1.1).
                guard minorVersion > 0 else { continue }
                try readExpect(bytes, field.value)
            case 10 where field.isNamed(BodyFraming.connection, bytes):
                readConnection(bytes, field.value)
            case 14 where field.isNamed(BodyFraming.contentLength, bytes):
                try readContentLength(bytes, field.value, limits)
            case 17 where field.isNamed(BodyFraming.transferEncoding, bytes):
                try readTransferEncoding(bytes, field.value, minorVersion)
            default: continue
            }
        }
        // RFC 9112 §3.2: exactly one in HTTP/1.1, at most one in HTTP/1.0, and each valid.
        guard hosts == 1 || minorVersion == 0 && hosts == 0 else { throw .malformed(.host) }
        // RFC 9112 §6.3: both together may be an attempt at smuggling.
        if hasContentLength, hasTransferEncoding { throw .malformed(.transferEncoding) }
        if case .bytes(let count) = length, count > limits.bodyBytesMax { throw .bodyTooLarge }
    }

    /// A bit for each length that a name below has.
    private static let lengths: UInt64 = 1 << 4 | 1 << 6 | 1 << 10 | 1 << 14 | 1 << 17

    private static let host = FieldName("host")
    private static let expect = FieldName("expect")
    private static let connection = FieldName("connection")
    private static let contentLength = FieldName("content-length")
    private static let transferEncoding = FieldName("transfer-encoding")
    private static let continueValue = [UInt8]("100-continue".utf8)
    private static let chunked = [UInt8]("chunked".utf8)
    private static let close = [UInt8]("close".utf8)
    private static let keepAlive = [UInt8]("keep-alive".utf8)

    /// 1*DIGIT and nothing else, once (RFC 9110 §8.6). A list is refused even where its members
    /// agree. A number beyond the limit is too large however long it is.
    private mutating func readContentLength(
        _ bytes: Span<UInt8>, _ value: Range<Int>, _ limits: Limits
    ) throws(ProtocolError) {
        guard !hasContentLength, !value.isEmpty else { throw .malformed(.contentLength) }
        hasContentLength = true
        let digits = bytes.extracting(value)
        var count = 0
        for at in digits.indices {
            let digit = digits[at] &- UInt8(ascii: "0")
            guard digit < 10 else { throw .malformed(.contentLength) }
            // Saturates above the limit, so that no number of digits overflows.
            if count <= limits.bodyBytesMax { count = count &* 10 &+ Int(digit) }
        }
        length = .bytes(count)
    }

    /// Only `chunked`, once, in HTTP/1.1 (RFC 9112 §6.1), without parameters (§7.1). Where it is not
    /// the last coding the length is unknown: 400; behind others: 501 (§6.1, §6.3).
    private mutating func readTransferEncoding(
        _ bytes: Span<UInt8>, _ value: Range<Int>, _ minorVersion: Int
    ) throws(ProtocolError) {
        guard minorVersion > 0, !hasTransferEncoding else { throw .malformed(.transferEncoding) }
        hasTransferEncoding = true
        length = .chunked
        if equalIgnoringCase(bytes, value, BodyFraming.chunked) { return }
        // Another coding before a final chunked is honest but unknown; without it the length is.
        var codings: [Range<Int>] = []
        forEachMember(bytes, value) { codings.append($0) }
        let isLast = codings.last.map { equalIgnoringCase(bytes, $0, BodyFraming.chunked) }
        let count = codings.filter { equalIgnoringCase(bytes, $0, BodyFraming.chunked) }.count
        if isLast == true, count == 1, codings.count > 1 { throw .codingUnknown }
        throw .malformed(.transferEncoding)
    }

    /// Each member of the list must be `100-continue` (RFC 9110 §10.1.1).
    private mutating func readExpect(
        _ bytes: Span<UInt8>, _ value: Range<Int>
    ) throws(ProtocolError) {
        var hasContinue = false
        var hasOther = false
        forEachMember(bytes, value) { member in
            if equalIgnoringCase(bytes, member, BodyFraming.continueValue) {
                hasContinue = true
            } else {
                hasOther = true
            }
        }
        if hasOther { throw .expectationFailed }
        if hasContinue { expectsContinue = true }
    }

    /// `close` wins in any field and any order; `keep-alive` is for HTTP/1.0 (RFC 9112 §9.3).
    private mutating func readConnection(_ bytes: Span<UInt8>, _ value: Range<Int>) {
        var asksClose = false
        var asksKeepAlive = false
        forEachMember(bytes, value) { member in
            if equalIgnoringCase(bytes, member, BodyFraming.close) { asksClose = true }
            if equalIgnoringCase(bytes, member, BodyFraming.keepAlive) { asksKeepAlive = true }
        }
        if asksKeepAlive, !hasAskedClose { keepsAlive = true }
        if asksClose { hasAskedClose = true }
        if hasAskedClose { keepsAlive = false }
    }

    private var hasAskedClose = false

    /// The non-empty members of a comma-separated list (RFC 9110 §5.6.1).
    private func forEachMember(
        _ bytes: Span<UInt8>, _ value: Range<Int>, _ body: (Range<Int>) -> Void
    ) {
        var start = value.lowerBound
        while start < value.upperBound {
            var end = start
            while end < value.upperBound, bytes[end] != UInt8(ascii: ",") { end += 1 }
            var (first, last) = (start, end)
            while first < last, Grammar.isBlank(bytes[first]) { first += 1 }
            while last > first, Grammar.isBlank(bytes[last - 1]) { last -= 1 }
            if first < last { body(first..<last) }
            start = end + 1
        }
    }
}
