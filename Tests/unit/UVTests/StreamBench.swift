// A loop with a listener on the loopback address, and clients that are plain sockets.

import Glibc
import Testing

@testable import UV

final class StreamBench {
    let loop: EventLoop
    private(set) var accepted: [TCPStream] = []
    var onAccept: (TCPStream) -> Void = { _ in }
    private var opened: TCPListener?

    var listener: TCPListener {
        guard let opened else { preconditionFailure("it was made in init") }
        return opened
    }

    convenience init() throws { try self.init(try EventLoop()) }

    init(_ loop: EventLoop) throws {
        Signal.ignoreWriteSignals()
        self.loop = loop
        opened = try TCPListener(
            loop, try SocketAddress("127.0.0.1:0"), sharesPort: false
        ) { [unowned self] stream in
            accepted.append(stream)
            onAccept(stream)
        }
    }

    /// A connected client. Closed by whoever asked for it.
    func connect() throws -> Int32 {
        var storage = sockaddr_storage()
        let target = try SocketAddress("127.0.0.1:0").with(port: listener.boundPort)
        #expect(unsafe target.fill(&storage) == 0)
        let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        // Only for the time of the call.
        let code = unsafe withUnsafePointer(to: &storage) { pointer in
            unsafe Glibc.connect(
                client, UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self),
                socklen_t(MemoryLayout<sockaddr_in>.size))
        }
        #expect(code == 0)
        return client
    }

    /// Both ends of a connection, on one loop.
    func pair() throws -> (near: TCPStream, far: TCPStream) {
        let before = accepted.count
        let client = try connect()
        turn(until: { accepted.count > before })
        return (try #require(accepted.last), try TCPStream(loop, accepted: client))
    }

    func turn(_ times: Int) {
        for _ in 0..<times {
            loop.runOnce()
            usleep(200)
        }
    }

    func turn(until isDone: () -> Bool) {
        for _ in 0..<20_000 where !isDone() {
            loop.runOnce()
            usleep(100)
        }
    }

    func end() {
        listener.close()
        loop.abandon()
    }
}
