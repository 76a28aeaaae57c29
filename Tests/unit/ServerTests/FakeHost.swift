// A connection's surroundings without sockets: a transport that records, a host with a hand-set
// clock, a handler that answers when told to.

import Bytes
import CryptoForTests
import HTTP1
import Tokens
import UV

@testable import Server

final class FakeTransport: ByteStream {
    var isReady = true
    /// What is written stays in the queue.
    var isQueueing = false
    var written: [UInt8] = []
    var queuedBytes = 0
    /// What the kernel holds beside that.
    var bytesInKernel = 0
    var undeliveredBytes: Int { queuedBytes + bytesInKernel }
    var isPaused = false
    var hasFinishedSending = false
    var isClosed = false
    var isReset = false
    var peerCertificate: [UInt8]?

    func write(_ bytes: Span<UInt8>) {
        for index in bytes.indices { written.append(bytes[index]) }
        if isQueueing { queuedBytes += bytes.count }
    }
    func start(_ handler: any ByteStreamHandler) {}
    func pauseReading() { isPaused = true }
    func resumeReading() { isPaused = false }
    func finishSending() { hasFinishedSending = true }
    func close() { isClosed = true }
    var peerAddress: [UInt8] { isClosed ? [] : [127, 0, 0, 1] }
    func reset() { (isReset, isClosed) = (true, true) }

    var text: String { String(decoding: written, as: UTF8.self) }
    /// The bodies of all answers: of the plain content that `FakeHandler` gives.
    var paths: [String] {
        text.components("\n").filter { $0.hasPrefix("[") }.map {
            String($0.dropFirst().prefix { $0 != "]" })
        }
    }
}

extension String {
    func components(_ separator: String) -> [String] {
        split(separator: separator, omittingEmptySubsequences: false).map(String.init)
    }
    func components(_ separator: Character) -> [String] {
        split(separator: separator, omittingEmptySubsequences: false).map(String.init)
    }
}

/// Answers each request with its path, at once or later.
final class FakeHandler: RequestHandler {
    var isHeld = false
    var held: [() -> Void] = []
    var handled = 0
    /// Who has asked.
    var peers: [[UInt8]] = []

    func handle(_ request: Request, _ bytes: Span<UInt8>, _ responder: any Responder) {
        handled += 1
        peers.append(responder.peerAddress)
        var path: [UInt8] = []
        path.append(bytes, request.path)
        let content = Array("\n[".utf8) + path + Array("]\n".utf8)
        let answer = { responder.respond(.content(content, type: "text/plain", status: .ok)) }
        if isHeld { held.append(answer) } else { answer() }
    }
}

final class FakeHost: ConnectionHost {
    let commons: LoopCommons
    var limits: ServerLimits {
        get { commons.limits }
        set { commons.limits = newValue }
    }
    let fake = FakeHandler()
    var handler: any RequestHandler { fake }
    var monotonicMilliseconds: UInt64 = 1_000_000
    var closed = 0
    var answeredAfterClose = 0
    private var postponed: [Connection] = []
    var wheel = DeadlineWheel<Connection>(now: 1_000_000)

    init(trustedProxies: TrustedProxies = .none) {
        commons = LoopCommons(
            limits: ServerLimits(), replies: FakeHost.makeReplies(), observer: LoopObserver(),
            trustedProxies: trustedProxies)
    }

    static func makeReplies() -> Replies {
        var pool = RandomPool { bytes in
            for index in bytes.indices { bytes[index] = UInt8(truncatingIfNeeded: index) }
        }
        let replies = Replies(publicURL: "http://x", tokenLifetime: 1000) {
            let sealer = IdentifierSealer(Keyring(SealingKey { _ in }))
            return sealer.seal(
                Identifier(issuedAt: 0, randomHigh: 0, randomLow: pool.next().0))
        }
        replies.setDate(seconds: 0)
        replies.setIdleTimeout(milliseconds: 75_000)
        return replies
    }

    func deadlineCameNearer(_ connection: Connection) { wheel.place(connection) }
    func connectionClosed(_ connection: Connection) {
        wheel.remove(connection)
        closed += 1
    }

    func awaitNextTurn(_ connection: Connection) { postponed.append(connection) }
    func answeredAfterClose(_ connection: Connection) { answeredAfterClose += 1 }

    /// Connections that have used up their turn.
    var waitingForTurn: Int { postponed.count }

    /// One turn of the loop: those that have waited for it go on.
    func turnLoop() {
        turns.next()
        let connections = postponed
        postponed = []
        for connection in connections { connection.nextTurnCame() }
    }

    /// As many turns as it takes.
    func turnUntilQuiet() {
        while !postponed.isEmpty { turnLoop() }
    }

    /// Lets time pass, tick by tick.
    func pass(milliseconds: UInt64) {
        let end = monotonicMilliseconds + milliseconds
        while monotonicMilliseconds < end {
            monotonicMilliseconds = min(end, monotonicMilliseconds + 50)
            turnLoop()
            for connection in wheel.advance(now: monotonicMilliseconds) {
                connection.deadlinePassed()
            }
        }
    }
}

/// A connection with its fakes.
struct Bench {
    let host = FakeHost()
    let transport = FakeTransport()
    let connection: Connection

    init(isReady: Bool = true, _ configure: (inout ServerLimits) -> Void = { _ in }) {
        configure(&host.limits)
        transport.isReady = isReady
        connection = Connection(transport, host)
    }

    func send(_ text: String) {
        let bytes = Array(text.utf8)
        connection.received(bytes.span)
    }

    static func get(_ path: String, _ fields: String = "") -> String {
        "GET /\(path) HTTP/1.1\r\nHost: h\r\n\(fields)\r\n"
    }
}
