// A TCP socket with an address, which does not listen yet.

import CLibUV
import Glibc

/// Takes an address. Whoever has it closes the descriptor, or gives it to a listener.
public struct BoundSocket {
    let descriptor: Int32

    /// - Parameter sharesPort: others of the same user that set it too may bind the same port
    ///   (`SO_REUSEPORT`).
    /// - Throws: what the kernel says; nothing is left open then.
    public init(_ address: SocketAddress, sharesPort: Bool) throws(ListenFailure) {
        let kind =
            Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
            | Int32(SOCK_CLOEXEC.rawValue)
        descriptor = socket(address.isIPv6 ? AF_INET6 : AF_INET, kind, 0)
        guard descriptor >= 0 else { throw ListenFailure(opening: -errno) }
        let code = unsafe bind(address, sharesPort: sharesPort)
        if code < 0 {
            close()
            throw ListenFailure(binding: code)
        }
    }

    public func close() { Glibc.close(descriptor) }

    /// From now on others of the same user that share the port may bind it, too (socket(7)). As long as
    /// this one is open, the kernel gives the port to no outgoing connection.
    ///
    /// - Throws: what the kernel says.
    public func share() throws(ListenFailure) {
        guard set(SOL_SOCKET, SO_REUSEPORT, 1) else { throw ListenFailure(opening: -errno) }
    }

    /// With the port that the kernel chose where 0 was asked for.
    public var address: SocketAddress? { SocketAddress(boundOf: descriptor) }

    /// Returns libuv's code.
    @unsafe private func bind(_ address: SocketAddress, sharesPort: Bool) -> Int32 {
        // A port whose last connections are still in TIME_WAIT can be bound again (socket(7)).
        guard set(SOL_SOCKET, SO_REUSEADDR, 1), !sharesPort || set(SOL_SOCKET, SO_REUSEPORT, 1),
            !address.isIPv6 || set(Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0)
        else { return -errno }
        var storage = sockaddr_storage()
        let parsed = unsafe address.fill(&storage)
        if parsed < 0 { return parsed }
        let length = socklen_t(
            address.isIPv6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size)
        // Only for the time of the call.
        return unsafe withUnsafePointer(to: &storage) { pointer in
            let raw = unsafe UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self)
            return unsafe Glibc.bind(descriptor, raw, length) == 0 ? 0 : -errno
        }
    }

    private func set(_ level: Int32, _ name: Int32, _ value: Int32) -> Bool {
        var value = value
        let size = socklen_t(MemoryLayout<Int32>.size)
        return unsafe setsockopt(descriptor, level, name, &value, size) == 0
    }
}

extension SocketAddress {
    /// Where a socket is bound; nil where it is none.
    public init?(boundOf descriptor: Int32) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        // Only for the time of the closure.
        let found = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            let raw = unsafe UnsafeMutableRawPointer(pointer)
                .assumingMemoryBound(to: sockaddr.self)
            guard unsafe getsockname(descriptor, raw, &length) == 0 else {
                return nil as SocketAddress?
            }
            return unsafe SocketAddress(raw)
        }
        guard let found else { return nil }
        self = found
    }
}
