// A TCP connection as a byte stream, and a stream of another kind over it. One at a time: megabytes wait in
// each, and other tests look at the memory of the process.

import ByteStreamContract
import Glibc
import Testing

@testable import UV

@Suite(.serialized) struct TCPStreamTests {
    /// Both ends over the loopback address, on one loop.
    private static func pair(_ loop: EventLoop) throws -> (near: TCPStream, far: TCPStream) {
        let bench = try StreamBench(loop)
        defer { bench.listener.close() }
        return try bench.pair()
    }

    @Test(arguments: ByteStreamContract.rules.map(\.name))
    func connectionKeepsTheContract(rule: String) throws {
        let contract = ByteStreamContract(wait: { usleep(100) }) { loop in
            let pair = try Self.pair(loop)
            return StreamPair(near: pair.near, far: pair.far)
        }
        try ByteStreamContract.rules.first { $0.name == rule }?.run(contract)
    }

    @Test(arguments: ["bytesArriveInOrder", "resumingDeliversNothingInside", "endIsToldOnce"])
    func streamOverAConnectionKeepsIt(rule: String) throws {
        let contract = ByteStreamContract(wait: { usleep(100) }) { loop in
            let pair = try Self.pair(loop)
            return StreamPair(
                near: InvertedStream.kind.onLoop(loop)(pair.near),
                far: InvertedStream.kind.onLoop(loop)(pair.far))
        }
        try ByteStreamContract.rules.first { $0.name == rule }?.run(contract)
    }

    @Test func contractNoticesBytesFromInsideResumeReading() throws {
        let contract = ByteStreamContract(wait: { usleep(100) }) { loop in
            let pair = try Self.pair(loop)
            return StreamPair(
                near: InvertedStream(pair.near, deliversInside: true),
                far: InvertedStream(pair.far))
        }
        let rule = ByteStreamContract.rules.first { $0.name == "resumingDeliversNothingInside" }
        #expect(throws: StreamViolation.self) { try rule?.run(contract) }
    }

    @Test func kindOfStreamNamesItsURL() throws {
        let address = try SocketAddress("[::1]:8443")
        #expect(StreamKind.plain.url(address) == "http://[::1]:8443")
        #expect(InvertedStream.kind.url(address) == "inverted://[::1]:8443")
    }

    /// For others to follow: an address that stands for all of them is none to connect to.
    @Test(arguments: [
        ("0.0.0.0:80", "host-1", "http://host-1:80"), ("[::]:80", "a.b", "http://a.b:80"),
        ("[0:0::0]:80", "a", "http://a:80"), ("127.0.0.1:80", "a", "http://127.0.0.1:80"),
        ("[::1]:80", "a", "http://[::1]:80"), ("0.0.0.0:80", "no host", "http://127.0.0.1:80"),
        ("[::]:80", "", "http://[::1]:80"),
    ])
    func linkNamesTheMachine(address: String, name: String, url: String) throws {
        #expect(StreamKind.plain.url(try SocketAddress(address), machine: name) == url)
    }

    /// What the peer has not read goes at once, also where the end is on its way behind a queue.
    @Test(arguments: [(false, false), (false, true), (true, true)])
    func peerOfAResetReadsToAnError(finishes: Bool, waits: Bool) throws {
        final class Deaf: ByteStreamHandler {
            func received(_ bytes: Span<UInt8>) {}
            func receivedEnd() {}
            func drained() {}
            func failed(_ failure: StreamFailure) {}
            func closed() {}
        }
        let bench = try StreamBench()
        defer { bench.end() }
        let client = try bench.connect()
        defer { close(client) }
        bench.turn(until: { !bench.accepted.isEmpty })
        let stream = try #require(bench.accepted.first)
        stream.start(Deaf())
        let bytes = [UInt8](repeating: 7, count: waits ? 6 << 20 : 10)
        stream.write(bytes.span)
        if finishes { stream.finishSending() }
        stream.reset()
        bench.turn(5)
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var result = 1
        while result > 0 { result = unsafe read(client, &buffer, buffer.count) }
        #expect(result == -1)
        #expect(errno == ECONNRESET)
    }

    @Test func connectionAttemptThatIsRefusedFails() throws {
        final class Handler: ByteStreamHandler {
            var failures: [StreamFailure] = []
            var isClosed = false
            func received(_ bytes: Span<UInt8>) {}
            func receivedEnd() {}
            func drained() {}
            func failed(_ failure: StreamFailure) { failures.append(failure) }
            func closed() { isClosed = true }
        }
        let loop = try EventLoop()
        defer { loop.abandon() }
        let unused = try BoundSocket(try SocketAddress("127.0.0.1:0"), sharesPort: false)
        defer { unused.close() }
        let handler = Handler()
        let stream = try TCPStream(
            loop, connectingTo: try #require(unused.address), handler)
        stream.write([1, 2, 3].span)
        #expect(handler.failures.isEmpty)
        for _ in 0..<100 where handler.failures.isEmpty { loop.runOnce() }
        #expect(handler.failures == [.connection(UVError(code: -ECONNREFUSED))])
        stream.close()
        loop.run()
        #expect(handler.isClosed)
    }
}
