// How many streams of a loop may be in their handshake, and what becomes of those who wait.

import Glibc
import Testing

@testable import Server
@testable import UV

/// A stream that becomes ready when the test says so.
private final class SlowStream: ByteStream, ByteStreamHandler {
    private let inner: TCPStream
    private var handler: (any ByteStreamHandler)?
    private(set) var isReady = false
    private(set) var isClosing = false
    /// Nothing has come yet that a handshake begins with.
    var isSilent = false
    /// Instead of the loopback address.
    var address: [UInt8]?

    init(_ inner: TCPStream) { self.inner = inner }

    func becomeReady() {
        isReady = true
        handler?.becameReady()
    }

    func start(_ handler: any ByteStreamHandler) {
        self.handler = handler
        inner.start(self)
    }
    var queuedBytes: Int { inner.queuedBytes }
    var undeliveredBytes: Int { inner.undeliveredBytes }
    var peerAddress: [UInt8] { address ?? inner.peerAddress }
    func write(_ bytes: Span<UInt8>) { inner.write(bytes) }
    func pauseReading() { inner.pauseReading() }
    func resumeReading() { inner.resumeReading() }
    func finishSending() { inner.finishSending() }
    func close() {
        isClosing = true
        inner.close()
    }
    func reset() {
        isClosing = true
        inner.reset()
    }
    func received(_ bytes: Span<UInt8>) { handler?.received(bytes) }
    func receivedEnd() { handler?.receivedEnd() }
    func drained() { handler?.drained() }
    func failed(_ failure: StreamFailure) { handler?.failed(failure) }
    func closed() {
        handler?.closed()
        handler = nil
    }
}

/// The streams that a loop has made.
private final class Made: @unchecked Sendable {
    var streams: [SlowStream] = []
    /// What becomes of the next.
    var isSilent = false
    var address: [UInt8]?
}

@Suite(.serialized) struct HandshakeRoomTests {
    /// Runs with a loop on which so many handshakes may be under way.
    private func run(
        _ most: Int, stalled: Int = 512, slowMilliseconds: UInt64 = 3_600_000,
        silentMilliseconds: UInt64 = 3_600_000, connections: Int = 10_000,
        _ body: (EventLoop, Made, ServingLoop) throws -> Void
    ) throws {
        Signal.ignoreWriteSignals()
        let (loop, made) = (try EventLoop(), Made())
        var limits = ServerLimits()
        limits.handshakesPerLoopMax = most
        limits.stalledHandshakesPerLoopMax = stalled
        limits.slowHandshakeMilliseconds = slowMilliseconds
        limits.silentMilliseconds = silentMilliseconds
        limits.connectionsPerLoopMax = connections
        let kind = StreamKind(scheme: "slow") { accepted in
            let stream = SlowStream(accepted)
            (stream.isSilent, stream.address) = (made.isSilent, made.address)
            made.streams.append(stream)
            return stream
        }
        let serving = try ServingLoop(
            loop: loop, source: .address(try SocketAddress("127.0.0.1:0"), isShared: false),
            streams: kind, limits: limits, handler: FakeHandler(),
            replies: FakeHost.makeReplies(), report: LoopReport())
        defer {
            serving.stop {}
            loop.abandon()
        }
        try body(loop, made, serving)
    }

    private func connect(_ serving: ServingLoop) throws -> Int32 {
        var storage = sockaddr_storage()
        let target = try #require(serving.boundAddress)
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

    private func turn(_ loop: EventLoop, until isSo: () -> Bool) {
        for _ in 0..<10_000 where !isSo() {
            loop.runOnce()
            usleep(100)
        }
    }

    private func settle(_ loop: EventLoop) {
        for _ in 0..<50 {
            loop.runOnce()
            usleep(100)
        }
    }

    @Test func asManyAsMayBeAreAcceptedAndTheNextWaits() throws {
        try run(3) { loop, made, serving in
            let clients = try (0..<5).map { _ in try connect(serving) }
            defer { for client in clients { close(client) } }
            turn(loop, until: { made.streams.count == 3 })
            settle(loop)
            #expect(made.streams.count == 3)
            // One is over, and stays: the next comes in.
            made.streams[1].becomeReady()
            turn(loop, until: { made.streams.count == 4 })
            settle(loop)
            #expect(made.streams.count == 4)
            // One has gone away: the last comes in.
            close(clients[0])
            turn(loop, until: { made.streams.count == 5 })
            #expect(made.streams.count == 5)
            #expect(!made.streams[1].isClosing)
        }
    }

    @Test func slowOnesMakeRoomWhereSomebodyWaits() throws {
        try run(2, stalled: 2, slowMilliseconds: 0, silentMilliseconds: 0) { loop, made, serving in
            let first = try (0..<2).map { _ in try connect(serving) }
            defer { for client in first { close(client) } }
            turn(loop, until: { made.streams.count == 2 })
            settle(loop)
            // Nobody waits yet.
            #expect(!made.streams.contains { $0.isClosing })
            let last = try connect(serving)
            defer { close(last) }
            turn(loop, until: { made.streams.count == 3 })
            #expect(made.streams.map(\.isClosing) == [true, true, false])
        }
    }

    private func connect(_ count: Int, _ serving: ServingLoop) throws -> [Int32] {
        try (0..<count).map { _ in try connect(serving) }
    }

    /// They take no place of those who talk, and make room for others where there are too many of them.
    @Test func silentOnesHaveARoomOfTheirOwn() throws {
        try run(2, stalled: 5, silentMilliseconds: 0) { loop, made, serving in
            made.isSilent = true
            let crowd = try connect(5, serving)
            defer { for client in crowd { close(client) } }
            turn(loop, until: { made.streams.count == 5 })
            settle(loop)
            #expect(!made.streams.contains { $0.isClosing })
            made.isSilent = false
            let next = try connect(1, serving)
            defer { for client in next { close(client) } }
            turn(loop, until: { made.streams.count == 6 })
            #expect(made.streams.map(\.isClosing) == [true, true, true, true, true, false])
        }
    }

    /// The room that idle ones leave is of no use while silent ones keep theirs: they go soon after.
    @Test func silentOnesGoWhereIdleOnesHaveMadeNoRoom() throws {
        try run(2, stalled: 4, silentMilliseconds: 0, connections: 6) { loop, made, serving in
            let idle = try connect(2, serving)
            defer { for client in idle { close(client) } }
            turn(loop, until: { made.streams.count == 2 })
            for stream in made.streams { stream.becomeReady() }
            made.isSilent = true
            let silent = try connect(4, serving)
            defer { for client in silent { close(client) } }
            turn(loop, until: { made.streams.count == 6 })
            settle(loop)
            made.isSilent = false
            let last = try connect(1, serving)
            defer { for client in last { close(client) } }
            turn(loop, until: { made.streams.count == 7 })
            #expect(made.streams.count == 7 && made.streams.last?.isClosing == false)
        }
    }

    @Test func whoHasBegunToTalkIsNotSilent() throws {
        try run(2, stalled: 2) { loop, made, serving in
            made.isSilent = true
            let first = try connect(2, serving)
            defer { for client in first { close(client) } }
            turn(loop, until: { made.streams.count == 2 })
            for stream in made.streams { stream.isSilent = false }
            let last = try connect(1, serving)
            defer { for client in last { close(client) } }
            settle(loop)
            #expect(made.streams.count == 2, "the room of those who talk is full")
            #expect(!made.streams.contains { $0.isClosing })
        }
    }

    /// A client needs a moment between its connection and its first word.
    @Test func silenceIsOneOnlyAfterAWhile() throws {
        try run(2, stalled: 3, silentMilliseconds: 3_600_000) { loop, made, serving in
            made.isSilent = true
            let clients = try connect(5, serving)
            defer { for client in clients { close(client) } }
            turn(loop, until: { made.streams.count == 3 })
            settle(loop)
            #expect(made.streams.count == 3 && !made.streams.contains { $0.isClosing })
        }
    }

    @Test func crowdOfOneAddressMakesRoomForOthers() throws {
        try run(2, stalled: 8, silentMilliseconds: 0) { loop, made, serving in
            made.isSilent = true
            made.address = [192, 0, 2, 1]
            let alone = try connect(3, serving)
            defer { for client in alone { close(client) } }
            turn(loop, until: { made.streams.count == 3 })
            made.address = [192, 0, 2, 2]
            let crowd = try connect(6, serving)
            defer { for client in crowd { close(client) } }
            turn(loop, until: { made.streams.count == 9 })
            let closing = made.streams.map(\.isClosing)
            #expect(closing.prefix(3) == [false, false, false], "they have no crowd")
            #expect(closing.dropFirst(3) == [true, true, true, true, true, false])
        }
    }

    /// What the first ones say is read before more come in.
    @Test func onlySoManyComeInInOneTurn() throws {
        try run(64) { loop, made, serving in
            let clients = try connect(40, serving)
            defer { for client in clients { close(client) } }
            var most = 0
            while made.streams.count < 40 {
                let before = made.streams.count
                loop.runOnce()
                most = max(most, made.streams.count - before)
            }
            #expect(most == ServerLimits().handshakesPerTurnMax)
        }
    }

    /// A handshake that waits for its client takes no place of those that go on.
    @Test func slowOnesCountAmongTheStalled() throws {
        try run(2, stalled: 4, silentMilliseconds: 0) { loop, made, serving in
            let clients = try connect(6, serving)
            defer { for client in clients { close(client) } }
            turn(loop, until: { made.streams.count == 4 })
            settle(loop)
            #expect(made.streams.count == 4 && !made.streams.contains { $0.isClosing })
        }
    }

    @Test func boundsFitTogether() {
        let limits = ServerLimits()
        #expect(limits.slowHandshakeMilliseconds < limits.handshakeTimeoutMilliseconds)
        #expect(limits.silentMilliseconds < limits.slowHandshakeMilliseconds)
        #expect(limits.handshakesPerTurnMax < limits.handshakesPerLoopMax)
        #expect(limits.handshakesPerLoopMax < limits.stalledHandshakesPerLoopMax)
    }
}
