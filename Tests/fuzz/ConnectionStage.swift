// A connection's surroundings: a transport that behaves as libuv's does, a clock, a store that
// answers when the script says so. Everything that may never happen is looked for here.

import CryptoForTests
import HTTP1
import System
import Tokens
import UV

@testable import Server

/// What stands between the connection and its client.
final class StageTransport: ByteStream {
    let isReady = true
    weak var connection: Connection?
    private(set) var written: [UInt8] = []
    private(set) var isReading = true
    private(set) var isClosed = false
    private(set) var hasFinishedSending = false
    var failsNextWrite = false
    private(set) var hasFailed = false
    /// False: what is written queues up.
    var isRead = true
    private var queued = 0

    var queuedBytes: Int { isClosed ? 0 : queued }
    var undeliveredBytes: Int { queuedBytes }

    var peerAddress: [UInt8] { [127, 0, 0, 1] }
    func write(_ bytes: Span<UInt8>) {
        require(!isClosed && !hasFinishedSending, "nothing is written behind the end")
        require(!bytes.isEmpty, "nothing is not written")
        if failsNextWrite {
            failsNextWrite = false
            hasFailed = true
            // As `uv_try_write` does: inside of the call.
            connection?.failed(.connection(.endOfFile))
            return
        }
        written.append(bytes, 0..<bytes.count)
        if !isRead || queued > 0 { queued += bytes.count }
    }

    func start(_ handler: any ByteStreamHandler) {}
    func pauseReading() { isReading = false }
    func resumeReading() { isReading = !isClosed }
    func finishSending() { hasFinishedSending = true }

    func reset() { close() }

    func close() {
        isClosed = true
        isReading = false
    }

    func readSome() { queued = (queued + 1) / 2 }

    func readAll() {
        isRead = true
        guard queued > 0 else { return }
        queued = 0
        if !isClosed { connection?.drained() }
    }

    /// libuv tells of the end each time reading starts anew.
    func tellEnd() {
        isReading = false
        connection?.receivedEnd()
    }
}

/// Answers that wait for a word of the script.
final class Answers {
    var areHeld = false
    var failsNext = false
    private var held: [() -> Void] = []

    func give(_ answer: @escaping () -> Void) {
        if areHeld { held.append(answer) } else { answer() }
    }

    func giveOne() {
        if !held.isEmpty { held.removeFirst()() }
    }

    func giveAll() {
        areHeld = false
        while !held.isEmpty { held.removeFirst()() }
    }
}

final class StageHost: ConnectionHost {
    let commons: LoopCommons
    let handler: any RequestHandler
    private(set) var monotonicMilliseconds: UInt64 = 1_000_000
    private var postponed: [Connection] = []
    var isStopping = false
    private(set) var closedCount = 0
    private var wheel = DeadlineWheel<Connection>(now: 1_000_000)
    let counted: CountedHandler
    let answers = Answers()

    init(_ script: ConnectionScript) {
        let clock = Clock()
        self.clock = clock
        var settings = IssuerSettings()
        settings.mode = script.world == .production ? .production : .sandbox
        // The same numbers each time: codes in the corpus stay good, answers can be compared.
        let issuer = TokenIssuer(
            registry: RegistryFeed(
                script.world == .production ? StageHost.production : .sandbox),
            settings: settings, store: LateStore(settings, answers), keyring: StageHost.keyring,
            random: RandomPool { $0 = StageHost.randomBytes })
        let replies = Replies(publicURL: "http://x", tokenLifetime: settings.tokenLifetime) {
            issuer.drawNumber()
        }
        replies.setDate(seconds: 0)
        replies.setIdleTimeout(milliseconds: 75_000)
        commons = LoopCommons(
            limits: script.isTight ? StageHost.tight : ServerLimits(), replies: replies,
            observer: LoopObserver())
        counted = CountedHandler(
            script.world == .echo
                ? EchoHandler(answers)
                : Router(
                    issuer: issuer, shared: replies.shared,
                    clock: RequestClock(now: { clock.now })))
        handler = counted
    }

    private final class Clock {
        var now: Milliseconds = 1_700_000_000_000
    }
    private let clock: Clock

    private static let keyring = Keyring(SealingKey { _ in })
    private static let randomBytes = (0..<RandomPool.blockBytes).map {
        UInt8(truncatingIfNeeded: $0 &* 167 &+ $0 >> 8)
    }
    /// The sandbox's names without its fixed token.
    private static let production = {
        var content = RegistryContent(mode: .production)
        content.clients = RegistryContent.sandbox.clients
        content.institutions = RegistryContent.sandbox.institutions
        content.providers = RegistryContent.sandbox.providers
        return Registry(content, now: 0)
    }()

    static let tight = {
        var limits = ServerLimits()
        limits.http = ParserTarget.tight
        limits.lingerBytesMax = 64
        limits.queuedBytesMax = 512
        limits.keptBytesMax = 128
        limits.outputBytesMax = 512
        limits.requestsPerTurnMax = 3
        limits.bytesPerTurnMax = 256
        return limits
    }()

    /// More than any one answer.
    static let answerBytesMax =
        4096 + max(ErrorPage.html.count, PackageResources.openapi_json.count)

    func deadlineCameNearer(_ connection: Connection) { wheel.place(connection) }

    func awaitNextTurn(_ connection: Connection) {
        require(postponed.isEmpty, "a connection waits for one turn at a time")
        postponed.append(connection)
    }

    func answeredAfterClose(_ connection: Connection) {}

    var isTurnAwaited: Bool { !postponed.isEmpty }

    /// The loop turns; who has waited for that goes on.
    func turnLoop() {
        turns.next()
        let connections = postponed
        postponed = []
        for connection in connections { connection.nextTurnCame() }
    }

    func connectionClosed(_ connection: Connection) {
        wheel.remove(connection)
        closedCount += 1
    }

    /// Lets time pass, tick by tick; `each` is called behind every one.
    func pass(milliseconds: UInt64, _ each: () -> Void) {
        let end = monotonicMilliseconds + milliseconds
        while monotonicMilliseconds < end {
            let step = min(end - monotonicMilliseconds, DeadlineWheel<Connection>.tickMilliseconds)
            monotonicMilliseconds += step
            turns.next()
            clock.now += Milliseconds(step)
            let passed = wheel.advance(now: monotonicMilliseconds)
            for connection in passed {
                require(
                    connection.deadline <= monotonicMilliseconds, "no deadline passes too early")
                connection.deadlinePassed()
            }
            if !passed.isEmpty { each() }
        }
    }
}
