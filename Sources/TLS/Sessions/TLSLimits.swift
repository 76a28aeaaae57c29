// The bounds of TLS. Those of its time, and of handshakes at a time, are the server's.

/// Bytes of a TLS connection.
public enum TLSLimits {
    /// What may come, as it comes over the wire, without a byte for HTTP in it: of a handshake, of
    /// updated keys, of empty records. More ends the connection: OpenSSL itself has no limit.
    public static let emptyBytesMax = 64 * 1024
    /// Steps of OpenSSL's state machine, and alerts, from a connection's begin to its end. A handshake
    /// takes some 15 of them, an update of keys 3, and one that asks for the server's 5 (RFC 8446
    /// §4.6.3). An update takes 27 bytes of the wire and far more work than they do otherwise: by
    /// bytes alone one read could have 2,400 of them in it.
    public static let stepsMax = 256
    /// Plain bytes that are encrypted before they are handed to the kernel.
    static let plainBytesMax = 64 * 1024
}
