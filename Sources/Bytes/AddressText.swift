// Addresses of the Internet as people write them.

public enum AddressText {
    /// `192.0.2.1` for 4 bytes, or groups of hexadecimal digits for 16 (RFC 4291 §2.2, form 1:
    /// nothing is left out); nil where there are none, since the client has gone.
    public static func text(_ bytes: [UInt8]) -> String? {
        if bytes.isEmpty { return nil }
        if bytes.count == 4 { return bytes.map { "\($0)" }.joined(separator: ".") }
        return stride(from: 0, to: bytes.count - 1, by: 2).map {
            String(Int(bytes[$0]) << 8 | Int(bytes[$0 + 1]), radix: 16)
        }.joined(separator: ":")
    }
}
