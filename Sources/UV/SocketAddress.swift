// An IP address with a port, as text and as the kernel wants it.

import CLibUV
import Glibc

/// An IPv4 or IPv6 address and a TCP port.
public struct SocketAddress: Sendable, CustomStringConvertible {
    /// The host as given: `127.0.0.1`, `::1`.
    public let host: String
    public let port: UInt16
    let isIPv6: Bool

    /// Why a text is no address; the description says what to write.
    public struct Malformed: Error {
        public let text: String
    }

    /// Parses `IP:PORT`, with an IPv6 address in brackets; `localhost` stands for 127.0.0.1.
    public init(_ text: String) throws(Malformed) {
        guard let colon = text.lastIndex(of: ":"),
            let port = SocketAddress.port(text[text.index(after: colon)...])
        else { throw Malformed(text: text) }
        var host = String(text[..<colon])
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed { host = String(host.dropFirst().dropLast()) }
        if host.lowercased() == "localhost" { host = "127.0.0.1" }
        self.init(host: host, port: port, isIPv6: isBracketed)
        guard isValid else { throw Malformed(text: text) }
    }

    /// nil for what is no port.
    static func port(_ text: Substring) -> UInt16? {
        text.allSatisfy { $0.isASCII && $0.isNumber } ? UInt16(text) : nil
    }

    /// Whether a text is an IPv4 address, or an IPv6 address in brackets, without a port.
    static func isIP(_ text: String) -> Bool {
        let isBracketed = text.hasPrefix("[") && text.hasSuffix("]")
        let host = isBracketed ? String(text.dropFirst().dropLast()) : text
        return SocketAddress(host: host, port: 0, isIPv6: isBracketed).isValid
    }

    /// libuv can read the host.
    private var isValid: Bool {
        var storage = sockaddr_storage()
        return unsafe fill(&storage) == 0
    }

    private init(host: String, port: UInt16, isIPv6: Bool) {
        self.host = host
        self.port = port
        self.isIPv6 = isIPv6
    }

    /// From the kernel's form; nil for neither IPv4 nor IPv6.
    @unsafe init?(_ address: UnsafePointer<sockaddr>) {
        let family = unsafe Int32(address.pointee.sa_family)
        guard family == AF_INET || family == AF_INET6 else { return nil }
        // Longest text of an IPv6 address, with its NUL (INET6_ADDRSTRLEN).
        var text = [CChar](repeating: 0, count: 46)
        guard unsafe uv_ip_name(address, &text, text.count) == 0 else { return nil }
        let end = text.firstIndex(of: 0) ?? text.endIndex
        // The port stands at the same place in both kinds, in network order.
        let port = unsafe UnsafeRawPointer(address).loadUnaligned(
            fromByteOffset: 2, as: UInt16.self)
        self.init(
            host: String(decoding: text[..<end].map { UInt8(bitPattern: $0) }, as: UTF8.self),
            port: port.bigEndian, isIPv6: family == AF_INET6)
    }

    /// The same host with another port.
    public func with(port: UInt16) -> SocketAddress {
        SocketAddress(host: host, port: port, isIPv6: isIPv6)
    }

    /// It stands for all addresses of the machine.
    public var isEvery: Bool {
        isIPv6 ? host.allSatisfy { "0:".contains($0) } : host == "0.0.0.0"
    }

    /// Where this machine itself reaches a server that listens here: an address that stands for all
    /// of the machine's (`0.0.0.0`, `::`) becomes the loopback one of its family.
    public var fromThisMachine: SocketAddress {
        guard isEvery else { return self }
        return SocketAddress(host: isIPv6 ? "::1" : "127.0.0.1", port: port, isIPv6: isIPv6)
    }

    public var description: String {
        isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// Writes the address into `storage`; returns libuv's code.
    @unsafe func fill(_ storage: inout sockaddr_storage) -> Int32 {
        unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            let raw = UnsafeMutableRawPointer(pointer)
            return if isIPv6 {
                unsafe uv_ip6_addr(
                    host, Int32(port), raw.assumingMemoryBound(to: sockaddr_in6.self))
            } else {
                unsafe uv_ip4_addr(
                    host, Int32(port), raw.assumingMemoryBound(to: sockaddr_in.self))
            }
        }
    }
}
