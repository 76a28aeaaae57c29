// Where a connection comes from.

import Glibc
import Testing

@testable import UV

@Suite struct PeerAddressTests {
    /// Listens there, connects a socket, and gives what the accepted stream says: while open, and
    /// after it was closed. nil where this machine does not have the address.
    ///
    /// - Parameter resets: the client has reset the connection before it is accepted.
    private func peerAddresses(
        listen: String, connect: String, resets: Bool = false
    ) throws -> (open: [UInt8], closed: [UInt8])? {
        let loop = try EventLoop()
        var accepted: TCPStream?
        let listener: TCPListener
        do {
            listener = try TCPListener(loop, try SocketAddress(listen), sharesPort: false) {
                accepted = $0
            }
        } catch {
            loop.run()
            return nil
        }
        defer { loop.run() }
        let target = try SocketAddress(connect).with(port: listener.boundPort)
        let client = client(of: target)
        if resets { reset(client) }
        defer { if !resets { close(client) } }
        for _ in 0..<1000 where accepted == nil { loop.runOnce() }
        let stream = try #require(accepted)
        let open = stream.peerAddress
        stream.close()
        let closed = stream.peerAddress
        listener.close()
        return (open, closed)
    }

    /// A socket that is connected to it.
    private func client(of target: SocketAddress) -> Int32 {
        var storage = sockaddr_storage()
        #expect(unsafe target.fill(&storage) == 0)
        let client = socket(
            target.isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let length = socklen_t(
            target.isIPv6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size)
        // Only for the time of the call.
        let code = unsafe withUnsafeBytes(of: &storage) { raw in
            guard let start = raw.baseAddress else { return Int32(-1) }
            return unsafe Glibc.connect(
                client, start.assumingMemoryBound(to: sockaddr.self), length)
        }
        #expect(code == 0)
        return client
    }

    private func reset(_ client: Int32) {
        var atOnce = linger(l_onoff: 1, l_linger: 0)
        let code = unsafe setsockopt(
            client, SOL_SOCKET, SO_LINGER, &atOnce, socklen_t(MemoryLayout<linger>.size))
        #expect(code == 0)
        close(client)
    }

    /// What it has sent can still be read, and is carried out.
    @Test(
        arguments: [("127.0.0.1:0", [127, 0, 0, 1]), ("[::1]:0", loopback6)] as [(String, [UInt8])])
    func clientThatHasResetIsStillKnown(listen: String, expected: [UInt8]) throws {
        guard let found = try peerAddresses(listen: listen, connect: listen, resets: true) else {
            #expect(listen.hasPrefix("["), "only IPv6 may be missing here")
            return
        }
        #expect(found.open == expected)
        #expect(found.closed == [])
    }

    static let loopback6: [UInt8] = [UInt8](repeating: 0, count: 15) + [1]

    @Test(arguments: [
        ("127.0.0.1:0", "127.0.0.1:0", [127, 0, 0, 1]), ("[::1]:0", "[::1]:0", loopback6),
        ("[::]:0", "127.0.0.1:0", [127, 0, 0, 1]), ("[::]:0", "[::1]:0", loopback6),
    ])
    func addressIsTheClients(listen: String, connect: String, expected: [UInt8]) throws {
        guard let found = try peerAddresses(listen: listen, connect: connect) else {
            #expect(listen.hasPrefix("["), "only IPv6 may be missing here")
            return
        }
        #expect(found.open == expected)
        #expect(found.closed == [])
    }

    @Test(
        arguments: [
            ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4], [1, 2, 3, 4]),
            ([0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 255, 255, 1, 2, 3, 4], nil),
            ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 254, 1, 2, 3, 4], nil),
            ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4], nil),
        ] as [([UInt8], [UInt8]?)])
    func onlyMappedAddressesAreShortened(address: [UInt8], expected: [UInt8]?) {
        #expect(TCPStream.unmapped(address) == expected ?? address)
    }
}
