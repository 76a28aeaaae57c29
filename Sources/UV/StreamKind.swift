// Which kind of stream clients are served on.

/// How an accepted connection becomes the stream that a server talks on, and what that is called in URLs.
/// The scheme of a URL of ours comes from here and nowhere else.
public struct StreamKind: Sendable {
    /// Of the URLs that clients use, such as `http`.
    public let scheme: String
    /// Called once on each loop. What it returns is called there for each connection, which it may wrap;
    /// nothing has been read yet.
    public let onLoop: @Sendable (EventLoop) -> (TCPStream) -> any ByteStream

    /// A kind whose streams share something on each loop.
    public init(
        scheme: String, onLoop: @escaping @Sendable (EventLoop) -> (TCPStream) -> any ByteStream
    ) {
        self.scheme = scheme
        self.onLoop = onLoop
    }

    public init(scheme: String, open: @escaping @Sendable (TCPStream) -> any ByteStream) {
        self.init(scheme: scheme, onLoop: { _ in open })
    }

    /// The connection itself, as everybody on the way can read it.
    public static let plain = StreamKind(scheme: "http") { $0 }

    /// Where a server that talks so on an address is reached, without a trailing slash.
    public func url(_ address: SocketAddress) -> String { "\(scheme)://\(address)" }

    /// The same for others to follow: nobody can connect to `0.0.0.0`, so the machine's name stands for it.
    public func url(_ address: SocketAddress, machine name: String) -> String {
        let isHost =
            !name.isEmpty
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
        guard address.isEvery, isHost else { return url(address.fromThisMachine) }
        return "\(scheme)://\(name):\(address.port)"
    }
}
