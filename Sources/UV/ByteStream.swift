// A connection as whoever stands on it sees it: bytes in, bytes out, whatever is underneath.

/// Why a stream is of no more use.
public enum StreamFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// The connection failed: the peer has gone, or the kernel refused.
    case connection(UVError)
    /// The two ends could not agree on how to talk; the text is for the log and holds no secret.
    case handshake(String)

    public var description: String {
        switch self {
        case .connection(let error): error.description
        case .handshake(let reason): "the handshake failed: \(reason)"
        }
    }
}

/// A stream of bytes to and from one peer. The loop's thread only.
///
/// Bytes are plain here: a stream that encrypts does so behind this. It holds its handler from `start`
/// until it is closed, and calls it only from the loop, never from inside one of these functions but
/// `start` and `write`, which may tell of a failure at once. The handler may call any of them from any of its calls.
/// Once a stream is closed they do nothing, and the handler hears `closed` and nothing else.
public protocol ByteStream: AnyObject {
    /// Sets the handler and begins to read. Once, before anything else.
    func start(_ handler: any ByteStreamHandler)

    /// True once bytes may be written; false during a handshake, which ends with the handler's
    /// `becameReady` or `failed`. How long that may take is the handler's matter.
    var isReady: Bool { get }

    /// A handshake is to begin, and what the peer has to say first has not come, or only a part of it.
    var isSilent: Bool { get }

    /// Sends the bytes, or queues what the kernel does not take at once. Order is kept.
    func write(_ bytes: Span<UInt8>)

    /// The same for the last bytes: nothing follows but `finishSending`, at once, and the bytes may wait for
    /// it, so that they and the end take one packet.
    func writeLast(_ bytes: Span<UInt8>)

    /// What the kernel has not yet taken, in bytes as they go over the wire.
    var queuedBytes: Int { get }

    /// The same, and what the kernel has taken and the peer has not confirmed: it shrinks as long as
    /// the peer reads. A system call.
    var undeliveredBytes: Int { get }

    /// Has the kernel confirm at once what has come: a peer may wait for that before it sends more.
    func acknowledgeAtOnce()

    func pauseReading()

    /// Reads again; what came meanwhile is delivered from the loop, never from inside this call.
    func resumeReading()

    /// Tells the peer, once everything queued has gone out, that no more will come; reading goes on.
    func finishSending()

    /// Lets go of the connection. The handler's `closed` comes later, from the loop.
    func close()

    /// Closes, and takes back what the peer has not read.
    func reset()

    /// The raw address of the peer: 4 bytes, or 16 for IPv6; empty once it has gone.
    var peerAddress: [UInt8] { get }

    /// Who has handed the connection on, where `peerAddress` is somebody behind it; otherwise empty.
    var proxyAddress: [UInt8] { get }

    /// What the two ends have agreed on; nil where nothing is encrypted, or not yet.
    var security: StreamSecurity? { get }

    /// The certificate that the peer has shown, verified, in DER; nil where it has shown none.
    var peerCertificate: [UInt8]? { get }

    /// The peer has said that it asks for itself, so nothing that it says of others counts.
    var peerAsksForItself: Bool { get }
}

extension ByteStream {
    public func writeLast(_ bytes: Span<UInt8>) { write(bytes) }
    public func acknowledgeAtOnce() {}
    public var isSilent: Bool { false }
    public var proxyAddress: [UInt8] { [] }
    public var peerAsksForItself: Bool { false }
    public var security: StreamSecurity? { nil }
    public var peerCertificate: [UInt8]? { nil }
}

/// How a stream is encrypted, for people. A value.
public struct StreamSecurity: Equatable, Sendable {
    /// Such as `TLSv1.3`.
    public let version: String
    /// Such as `TLS_AES_256_GCM_SHA384`.
    public let cipher: String
    /// Of the peer's certificate: SHA-256 of its DER in base64url (RFC 8705 §3.1); nil: it showed none.
    public let thumbprint: String?

    public init(version: String, cipher: String, thumbprint: String?) {
        self.version = version
        self.cipher = cipher
        self.thumbprint = thumbprint
    }
}

/// What is done with what happens on a stream. All calls come on the loop's thread.
public protocol ByteStreamHandler: AnyObject {
    /// The handshake is over; bytes may be written. Not called where the stream was ready at once.
    func becameReady()
    /// Bytes arrived. They are only there during the call: the buffer is shared by the loop.
    func received(_ bytes: Span<UInt8>)
    /// The peer has sent all it will send; it may still read. At most once.
    func receivedEnd()
    /// Everything queued has been handed to the kernel.
    func drained()
    /// The stream is of no more use and should be closed. At most once.
    func failed(_ failure: StreamFailure)
    /// The stream is closed; last call.
    func closed()
}

extension ByteStreamHandler {
    public func becameReady() {}
}
