// The bounds of TLS. Those of its time, and of handshakes at a time, are the server's.

/// Bytes of a TLS connection.
public enum TLSLimits {
    /// What may come, as it comes over the wire, without a byte for HTTP in it: of a handshake, of
    /// updated keys, of empty records. More ends the connection: OpenSSL itself has no limit.
    public static let emptyBytesMax = 64 * 1024
    /// Plain bytes that are encrypted before they are handed to the kernel.
    static let plainBytesMax = 64 * 1024
}
