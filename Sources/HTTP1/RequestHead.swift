// A parsed request line and header section: places in the bytes, no copies of them.

/// The methods of RFC 9110 §9 and RFC 5789.
public enum Method: Equatable, Sendable {
    case get, head, post, put, delete, patch, options, trace
}

/// A complete head. All ranges count from the first byte of the request.
public struct RequestHead: Sendable {
    public internal(set) var method = Method.get
    /// The path of the target, without the query; `*` for `OPTIONS *`, `/` has no bytes of its own
    /// in an absolute URI without a path, so it may be empty.
    public internal(set) var path = 0..<0
    /// 0 or 1: HTTP/1.0, or HTTP/1.1 and later.
    public internal(set) var minorVersion = 1
    public internal(set) var fields = Fields()
    /// Bytes from the first of the request to the last of the empty line.
    public internal(set) var length = 0
    /// Bytes of decoded content behind the head.
    public internal(set) var bodyLength = 0
    /// What the client asks for (RFC 9112 §9.3): another request may follow on this connection.
    public internal(set) var keepsAlive = true

    public init() {}

    public var body: Range<Int> { length..<length + bodyLength }
}
