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
