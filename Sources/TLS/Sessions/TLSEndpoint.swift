// One listener that speaks TLS: the context that new connections get, and how they become streams.

import Synchronization
import UV

/// Shared by all loops of a listener. Any thread.
public final class TLSEndpoint: Sendable {
    private let current: Mutex<TLSContext>
    private let loops = Mutex<[TLSCounters]>([])
    /// What clients' certificates are judged by, in milliseconds since 1970.
    let now: @Sendable () -> Int64
    /// What the settings of the listener begin with, for people.
    let prefix: String

    /// - Parameters:
    ///   - prefix: what the settings of the listener begin with, such as `admin-`.
    ///   - now: what clients' certificates are judged by, in milliseconds since 1970. Any thread.
    public init(_ context: TLSContext, prefix: String = "", now: @escaping @Sendable () -> Int64) {
        current = Mutex(context)
        (self.prefix, self.now) = (prefix, now)
    }

    /// What connections get that come now.
    public var context: TLSContext { current.withLock { $0 } }

    /// Connections that come from now on get this one; those that are open go on with theirs.
    public func replace(with context: TLSContext) { current.withLock { $0 = context } }

    var counters: [TLSCounters] { loops.withLock { $0 } }

    func makeCounters() -> TLSCounters {
        let made = TLSCounters()
        loops.withLock { $0.append(made) }
        return made
    }
}

/// What the streams of one loop share. The loop's thread only.
final class TLSLoop {
    let loop: EventLoop
    let endpoint: TLSEndpoint
    let buffers = TLSBuffers()
    let counters: TLSCounters

    init(_ loop: EventLoop, _ endpoint: TLSEndpoint) {
        self.loop = loop
        self.endpoint = endpoint
        counters = endpoint.makeCounters()
    }

    /// For a client that has just connected.
    func makeSession() -> TLSSession {
        let context = endpoint.context
        let session = TLSSession(context, buffers)
        if context.clientAuthentication != .off { session.setTime(endpoint.now()) }
        return session
    }
}

extension StreamKind {
    /// Of URLs of what speaks TLS.
    public static let encryptedScheme = "https"

    /// TLS over another kind of stream.
    public static func tls(_ endpoint: TLSEndpoint, over inner: StreamKind) -> StreamKind {
        StreamKind(
            scheme: encryptedScheme,
            onLoop: { loop in
                let (open, shared) = (inner.onLoop(loop), TLSLoop(loop, endpoint))
                return { TLSStream(open($0), shared) }
            })
    }
}
