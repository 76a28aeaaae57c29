// The stream over real connections: the contract of all streams, and what only this one does.

import ByteStreamContract
import COpenSSL
import Glibc
import Testing

@testable import TLS
@testable import UV

/// Connections over the loopback address, on one loop.
final class TLSBench {
    let loop: EventLoop
    let endpoint: TLSEndpoint
    let shared: TLSLoop
    private let client = TestClient()
    private let clientBuffers: TLSLoop

    init(_ loop: EventLoop, _ context: TLSContext) {
        Signal.ignoreWriteSignals()
        self.loop = loop
        endpoint = TLSEndpoint(context) { testDay }
        shared = TLSLoop(loop, endpoint)
        clientBuffers = TLSLoop(loop, endpoint)
    }

    /// A connected pair of sockets.
    func sockets() throws -> (server: TCPStream, client: Int32) {
        var accepted: TCPStream?
        let listener = try TCPListener(
            loop, try SocketAddress("127.0.0.1:0"), sharesPort: false
        ) { accepted = $0 }
        defer { listener.close() }
        var storage = sockaddr_storage()
        let target = try SocketAddress("127.0.0.1:0").with(port: listener.boundPort)
        #expect(unsafe target.fill(&storage) == 0)
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        // Only for the time of the call.
        let code = unsafe withUnsafePointer(to: &storage) { pointer in
            unsafe Glibc.connect(
                socket, UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self),
                socklen_t(MemoryLayout<sockaddr_in>.size))
        }
        #expect(code == 0)
        turn(until: { accepted != nil })
        return (try #require(accepted), socket)
    }

    func pair() throws -> (near: TLSStream, far: TLSStream) {
        let (server, socket) = try sockets()
        let far = TLSStream(
            try TCPStream(loop, accepted: socket), clientBuffers,
            client.session(clientBuffers.buffers))
        far.connect()
        return (TLSStream(server, shared), far)
    }

    func turn(until isDone: () -> Bool) {
        for _ in 0..<20_000 where !isDone() {
            loop.runOnce()
            usleep(100)
        }
    }
}

@Suite(.serialized) struct StreamTests {
    @Test(arguments: ByteStreamContract.rules.map(\.name))
    func encryptedStreamKeepsTheContract(rule: String) throws {
        let context = try SessionTests.context()
        var benches: [TLSBench] = []
        let contract = ByteStreamContract(wait: { usleep(100) }) { loop in
            let bench = TLSBench(loop, context)
            benches.append(bench)
            let pair = try bench.pair()
            return StreamPair(near: pair.near, far: pair.far)
        }
        try ByteStreamContract.rules.first { $0.name == rule }?.run(contract)
    }
}
