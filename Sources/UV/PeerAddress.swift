// Where a connection comes from.

import CLibUV
import Glibc

extension TCPStream {
    /// The client's address as the kernel has it, without the port: 4 bytes, or 16 for IPv6; an
    /// IPv4 address in IPv6 clothes (`::ffff:a.b.c.d`, RFC 4291 §2.5.5.2) has 4. Empty once the stream is
    /// closed. A system call each time, or two.
    public var peerAddress: [UInt8] {
        if let address = peerName(MemoryLayout<sockaddr_in6>.size)
            ?? peerName(MemoryLayout<sockaddr_in>.size)
        {
            return address
        }
        return []
    }

    /// `getpeername(2)` knows nobody any more once the client has reset the connection, though its request is
    /// still there to be read. `SO_PEERNAME` does; it wants no more bytes than the address has.
    private func peerName(_ size: Int) -> [UInt8]? {
        guard let descriptor else { return nil }
        var storage = sockaddr_storage()
        var length = socklen_t(size)
        // The address lies within the storage, which lives until the end of the closure.
        return unsafe withUnsafeMutableBytes(of: &storage) { raw in
            guard let start = raw.baseAddress,
                unsafe getsockopt(descriptor, SOL_SOCKET, SO_PEERNAME, start, &length) == 0
            else { return nil }
            let family = unsafe start.assumingMemoryBound(to: sockaddr.self).pointee.sa_family
            switch Int32(family) {
            case AF_INET:
                let offset = MemoryLayout<sockaddr_in>.offset(of: \.sin_addr) ?? 0
                return unsafe [UInt8](raw[offset..<offset + 4])
            case AF_INET6:
                let offset = MemoryLayout<sockaddr_in6>.offset(of: \.sin6_addr) ?? 0
                return TCPStream.unmapped(unsafe [UInt8](raw[offset..<offset + 16]))
            default:
                return nil
            }
        }
    }

    /// The four bytes of an IPv4 address that stands in an IPv6 one, or what was given.
    static func unmapped(_ address: [UInt8]) -> [UInt8] {
        let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
        return address.starts(with: mapped) ? Array(address[12...]) : address
    }
}
