// Every bound of the server around the HTTP layer, in one place.

import HTTP1

/// Bytes and times of a connection.
public struct ServerLimits: Sendable {
    public var http = Limits()
    /// From the first byte of a head to its last; later is 408.
    public var headTimeoutMilliseconds: UInt64 = 10_000
    /// From the last byte of a head to the last of its body; later is 408.
    public var bodyTimeoutMilliseconds: UInt64 = 10_000
    /// Between requests; then the connection closes without a word. Longer than the 60 s after which
    /// common proxies drop theirs: whoever drops first never sends a request into a closed connection.
    public var idleTimeoutMilliseconds: UInt64 = 75_000
    /// For a client that does not read what it asked for; then the connection is reset. Each progress
    /// gives it as long again.
    public var writeTimeoutMilliseconds: UInt64 = 10_000
    /// For a stream to become ready; then the connection is reset.
    public var handshakeTimeoutMilliseconds: UInt64 = 10_000
    /// Streams of one event loop that are not ready yet, and not stalled; the next client waits in the
    /// kernel's queue until one is. A crowd of handshakes costs a millisecond each, and those who talk already
    /// wait for all that are looked at in one turn.
    public var handshakesPerLoopMax = 64
    /// Those whose client has said nothing yet, or which have taken `silentMilliseconds`: they wait for their
    /// clients, and cost memory alone.
    public var stalledHandshakesPerLoopMax = 512
    /// How many clients that are to begin a handshake come in in one turn of the loop: what the first of them
    /// say is read before more do, so that a crowd which talks is never taken for a silent one.
    public var handshakesPerTurnMax = 16
    /// Where others wait for such a place, one that has taken so long makes room; one whose client has said
    /// nothing does after `silentMilliseconds`.
    public var slowHandshakeMilliseconds: UInt64 = 1_000
    /// How long a client may go on sending behind an answer that closes (RFC 9112 §9.6).
    public var lingerTimeoutMilliseconds: UInt64 = 2_000
    /// How much of it is read and dropped.
    public var lingerBytesMax = 1 << 20
    /// Answers waiting for a client to read; above it no more of its requests are looked at.
    public var queuedBytesMax = 64 * 1024
    /// Requests waiting behind one that the store is working on; above it reading pauses.
    public var keptBytesMax = 64 * 1024
    /// Answers of one read are collected up to here before they are handed to the kernel.
    public var outputBytesMax = 64 * 1024
    /// What one connection may have in one turn of the loop; the rest waits behind the others.
    public var requestsPerTurnMax = 32
    public var bytesPerTurnMax = 64 * 1024
    /// How long a server that is to stop goes on accepting, so that whoever sends it clients can hear
    /// of it first.
    public var drainDelayMilliseconds: UInt64 = 0
    /// A connection that has been quiet for so long is idle, and closes when the server stops. Another
    /// one may have a request on its way.
    public var quietMilliseconds: UInt64 = 1_000
    /// One that has never asked for anything makes room for another client after so long.
    public var silentMilliseconds: UInt64 = 250
    /// Where nobody is idle, one that has not sent the whole of its request for so long makes room;
    /// nil: it goes on.
    public var unfinishedMilliseconds: UInt64?
    /// What requests under way may take when the server stops.
    public var stopTimeoutMilliseconds: UInt64 = 20_000

    /// The last of them is answered with `Connection: close`, so that no client stays with one loop
    /// or one machine for good.
    public var requestsPerConnectionMax = 100_000
    /// Connections of all event loops; nil: as many as there are descriptors for.
    public var connectionsMax: Int?
    /// Connections of one event loop; the next waits in the kernel's queue until one closes.
    var connectionsPerLoopMax = 10_000
    /// How long a listener waits between attempts while it cannot accept.
    public var acceptPauseMilliseconds: UInt64 = 100

    static let adminConnectionsMax = 32
    /// Between the requests of a probe.
    static let adminIdleMilliseconds: UInt64 = 5_000
    /// And so long for a request while others wait: probes are short, and must get through.
    static let adminUnfinishedMilliseconds: UInt64 = 500
    /// Descriptors that are not connections of the API: the probes' connections, files, sockets.
    static let descriptorReserve = adminConnectionsMax + 32
    static let descriptorsPerLoop = 8

    /// The descriptors that a server with so many connections of the API opens.
    public static func descriptors(connections: Int, loops: Int) -> Int {
        connections + descriptorReserve + loops * descriptorsPerLoop
    }

    /// Gives each loop its share of the connections that are wanted, or that the descriptors allow.
    /// Those must never run out: then even closing a connection could become impossible.
    mutating func shareConnections(descriptors: Int, loops: Int) {
        let granted = descriptors - ServerLimits.descriptors(connections: 0, loops: loops)
        connectionsPerLoopMax = max(1, min(connectionsMax ?? granted, granted) / loops)
    }

    public init() {}
}

extension ServerLimits {
    /// How long a connection waits; nil: for ever.
    func milliseconds(for wait: ConnectionState.Wait) -> UInt64? {
        switch wait {
        case .nothing: nil
        case .handshake: handshakeTimeoutMilliseconds
        case .request: idleTimeoutMilliseconds
        case .lastHandshake, .lastRequest: quietMilliseconds
        case .restOfHead: headTimeoutMilliseconds
        case .restOfBody: bodyTimeoutMilliseconds
        case .unreadAnswers: writeTimeoutMilliseconds
        case .lastBytes: lingerTimeoutMilliseconds
        }
    }
}
