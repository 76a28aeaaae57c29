// Every bound of the server around the HTTP layer, in one place.

import HTTP1

/// Bytes and times of a connection.
public struct ServerLimits: Sendable {
    public var http = Limits()
    /// From the first byte of a request to its last; later is 408.
    public var requestTimeoutMilliseconds: UInt64 = 10_000
    /// Between requests; then the connection closes without a word.
    public var idleTimeoutMilliseconds: UInt64 = 60_000
    /// For a client that does not read what it asked for; then the connection closes.
    public var writeTimeoutMilliseconds: UInt64 = 10_000
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
    /// What requests under way may take when the server stops.
    public var stopTimeoutMilliseconds: UInt64 = 5_000

    /// Connections of one event loop; the next waits in the kernel's queue until one closes.
    public var connectionsMax = 10_000
    /// How long a listener that could not accept stays closed.
    public var acceptPauseMilliseconds: UInt64 = 100

    static let adminConnectionsMax = 32
    /// Descriptors that are not connections of the API: the probes' connections, files, sockets.
    static let descriptorReserve = adminConnectionsMax + 32
    static let descriptorsPerLoop = 8

    /// Shares out the descriptors that the system grants, so that they never run out: then even
    /// closing a connection could become impossible.
    mutating func setConnectionsMax(descriptors: Int, loops: Int) {
        let forConnections =
            descriptors - ServerLimits.descriptorReserve - loops * ServerLimits.descriptorsPerLoop
        connectionsMax = min(max(1, forConnections / loops), 1_000_000)
    }

    public init() {}
}
