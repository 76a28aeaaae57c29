// Why a request was refused before anyone looked at what it asks for.

/// A fault of the peer in framing or limits. After one, the connection cannot be used further.
public enum ProtocolError: Error, Equatable, Sendable {
    /// The bytes are not an HTTP/1 request; the text names the rule, for people.
    case malformed(Malformation)
    /// 414
    case targetTooLong
    /// 431
    case headTooLarge
    /// 413
    case bodyTooLarge
    /// 505: another major version than 1.
    case versionUnsupported
    /// 501: a method that no RFC we know defines, or CONNECT.
    case methodUnknown
    /// 501: a transfer coding other than chunked (RFC 9112 §6.1).
    case codingUnknown
    /// 417: an expectation other than 100-continue (RFC 9110 §10.1.1).
    case expectationFailed
}

/// The rule that a malformed request breaks. Raw values finish the sentence "The request has …".
public enum Malformation: String, Equatable, Sendable {
    case requestLine = "a request line that is not METHOD SP TARGET SP HTTP/1.1"
    case target = "a target that is not a path, an absolute URI, or * with OPTIONS"
    case bareCarriageReturn = "a CR without LF"
    case bareLineFeed = "a LF without CR"
    case fieldName = "a header field name that is not a token, or a space before its colon"
    case fieldValue = "a control character in a header field"
    case lineFolding = "a folded header line"
    case host = "no valid Host field, or several"
    case contentLength = "a Content-Length that is not one plain number"
    case transferEncoding = "a Transfer-Encoding that is not just chunked, or not allowed here"
    case chunk = "a chunk that is not framed as RFC 9112 asks"
    case trailer = "a trailer section that is malformed"
}
