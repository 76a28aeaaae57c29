// Which kind of stream clients are served on.

/// How an accepted connection becomes the stream that a server talks on, and what that is called in URLs.
/// The scheme of a URL of ours comes from here and nowhere else.
public struct StreamKind: Sendable {
    /// Of the URLs that clients use, such as `http`.
    public let scheme: String
    /// Called on the loop of the connection, which it may wrap; nothing has been read yet.
    public let open: @Sendable (TCPStream) -> any ByteStream

    public init(scheme: String, open: @escaping @Sendable (TCPStream) -> any ByteStream) {
        self.scheme = scheme
        self.open = open
    }

    /// The connection itself, as everybody on the way can read it.
    public static let plain = StreamKind(scheme: "http") { $0 }

    /// Where a server that talks so on an address is reached, without a trailing slash.
    public func url(_ address: SocketAddress) -> String { "\(scheme)://\(address)" }
}
