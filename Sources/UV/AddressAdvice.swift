// What to write for an address, for whom has written something else.

extension SocketAddress.Malformed: CustomStringConvertible {
    public var description: String {
        // A URL may have a password in it.
        let hasScheme = text.split(separator: ":", omittingEmptySubsequences: false).dropFirst()
            .contains { $0.hasPrefix("//") }
        if hasScheme || text.contains(where: { $0 == "@" }) {
            return "this is a URL, and not an address; write IP:PORT, such as 127.0.0.1:8080"
        }
        return "'\(text)' \(fault)"
    }

    private var fault: String {
        if let port = portAlone {
            return
                "is a port without an address; write IP:PORT, such as 127.0.0.1:\(port) for this "
                + "machine only, or 0.0.0.0:\(port) for all its addresses"
        }
        if text.hasPrefix("*:") {
            return "is not an address; write IP:PORT, such as 0.0.0.0\(text.dropFirst()) for all "
                + "addresses of the machine"
        }
        if text.filter({ $0 == ":" }).count > 1, !text.hasPrefix("[") {
            return "has an IPv6 address without brackets; write IP:PORT, such as [::1]:8080"
        }
        guard let colon = text.lastIndex(of: ":"), !text.hasSuffix("]") else {
            return SocketAddress.isIP(text) || text.lowercased() == "localhost"
                ? "has no port; write IP:PORT, such as \(text):8080"
                : "is not an address; write IP:PORT, such as 127.0.0.1:8080 or [::1]:8080"
        }
        let port = text[text.index(after: colon)...]
        guard SocketAddress.port(port) != nil else {
            return "has no port from 0 to 65535 behind its last colon; write IP:PORT, such as "
                + "127.0.0.1:8080"
        }
        return
            "has no IP address in front of its port, and names are not looked up; write IP:PORT, "
            + "such as 127.0.0.1:\(port) or [::1]:\(port)"
    }

    /// `8080`, or `:8080`.
    private var portAlone: UInt16? {
        SocketAddress.port(text.hasPrefix(":") ? text.dropFirst() : Substring(text))
    }
}
