// One event loop with a listener: its connections, their deadlines, its clock. Everything in here
// stays on the loop's thread.

import HTTP1
import System
import Tokens
import UV

/// Where connections come from.
enum ListenSource {
    /// A socket of this loop's own. `isShared`: other loops have others on the same port.
    case address(SocketAddress, isShared: Bool)
    /// Sockets that were handed to the process, which all loops share.
    case sockets([Int32])
}

/// Accepts connections on one or more listeners and serves them with one handler.
final class ServingLoop: ConnectionHost {
    let commons: LoopCommons
    let handler: any RequestHandler
    let loop: EventLoop
    var isStopping = false
    private let open: (TCPStream) -> any ByteStream
    var listeners: [TCPListener] = []
    /// Each knows its place (`listPlace`).
    private(set) var connections: [Connection] = []
    /// Those of them whose streams are not ready yet.
    var handshaking: [ObjectIdentifier: Connection] = [:]
    private var deadlines: DeadlineWheel<Connection>
    private var sweeper: UV.Timer?
    private var clock: UV.Timer?
    private var stopTimer: UV.Timer?
    private var turnEnd: BeforeWait?
    private var nextTurn: NextTurn?
    /// Those that go on in the next turn.
    private var postponed: [Connection] = []
    /// Connections that have closed, owing an answer that the store has not given yet.
    private var owed = 0
    /// A client waits because there are as many connections as may be.
    var isFull = false
    /// Listeners take nobody until there is room.
    var isPaused = false
    private let report: LoopReport
    private var onStopped: (() -> Void)?

    /// Listens at once; accepts when the loop runs.
    ///
    /// - Parameters:
    ///   - streams: what connections become.
    ///   - trustedProxies: believed when they say for whom they ask.
    /// - Throws: why nobody can be listened for. What is on the loop then is the caller's to close
    ///   (`EventLoop.abandon`).
    init(
        loop: EventLoop, source: ListenSource, streams: StreamKind = .plain,
        trustedProxies: TrustedProxies = .none, limits: ServerLimits,
        handler: any RequestHandler, replies: Replies, observer: LoopObserver = LoopObserver(),
        report: LoopReport
    ) throws(ListenFailure) {
        self.loop = loop
        commons = LoopCommons(
            limits: limits, replies: replies, observer: observer, trustedProxies: trustedProxies)
        self.handler = handler
        self.report = report
        deadlines = DeadlineWheel(now: loop.monotonicMilliseconds)
        open = streams.onLoop(loop)
        try listen(source)
        replies.setDate(seconds: Clock.wallMilliseconds() / 1000)
        replies.setIdleTimeout(milliseconds: limits.idleTimeoutMilliseconds)
        do throws(UVError) { try startTimers() } catch { throw .resource(error) }
    }

    private func listen(_ source: ListenSource) throws(ListenFailure) {
        let pause = limits.acceptPauseMilliseconds
        switch source {
        case .address(let address, let isShared):
            listeners = [
                try TCPListener(
                    loop, address, sharesPort: isShared, pauseMilliseconds: pause,
                    onTrouble: { [unowned self] in note($0) },
                    { [unowned self] in accept($0) })
            ]
        case .sockets(let descriptors):
            for descriptor in descriptors {
                listeners.append(
                    try TCPListener(
                        loop, sharing: descriptor, pauseMilliseconds: pause,
                        onTrouble: { [unowned self] in note($0) },
                        { [unowned self] in accept($0) }))
            }
        }
        for listener in listeners { listener.mayAccept = { [unowned self] in mayAccept($0) } }
    }

    private func note(_ trouble: AcceptTrouble) {
        switch trouble {
        case .failed: observer.acceptFailed()
        case .pausing(let cause): report.acceptPauses(cause)
        case .over: report.acceptGoesOn()
        }
    }

    private func closeListeners() {
        for listener in listeners { listener.close() }
        listeners = []
    }

    private func startTimers() throws(UVError) {
        let tick = DeadlineWheel<Connection>.tickMilliseconds
        sweeper = try Timer(loop)
        observer.ticked(everyMilliseconds: tick)
        sweeper?.start(afterMilliseconds: tick, repeatMilliseconds: tick) { [unowned self] in
            observer.ticked(everyMilliseconds: tick)
            sweep()
        }
        turnEnd = try BeforeWait(loop) { [turns, observer] in
            turns.next()
            observer.turnEnded()
        }
        nextTurn = try NextTurn(loop) { [unowned self] in goOn() }
        clock = try Timer(loop)
        stopTimer = try Timer(loop)
        tickClock()
    }

    /// Renders the date at the beginning of every second.
    private func tickClock() {
        let now = Clock.wallMilliseconds()
        replies.setDate(seconds: now / 1000)
        clock?.start(afterMilliseconds: UInt64(1000 - now % 1000)) { [unowned self] in
            tickClock()
        }
    }

    var monotonicMilliseconds: UInt64 { loop.monotonicMilliseconds }

    /// Where the first listener is bound.
    var boundAddress: SocketAddress? { listeners.first?.boundAddress }

    private func accept(_ accepted: TCPStream) {
        let stream = open(accepted)
        let connection = Connection(stream, self)
        connection.listPlace = UInt32(connections.count)
        connections.append(connection)
        if !stream.isReady {
            handshaking[ObjectIdentifier(connection)] = connection
            turns.handshakes += 1
        }
        observer.opened()
        stream.start(connection)
    }

    private func sweep() {
        for connection in deadlines.advance(now: loop.monotonicMilliseconds) {
            connection.deadlinePassed()
        }
        if isFull, !isStopping { lookForRoom() }
    }

    func awaitNextTurn(_ connection: Connection) {
        postponed.append(connection)
        nextTurn?.await()
    }

    private func goOn() {
        let connections = postponed
        postponed = []
        for connection in connections { connection.nextTurnCame() }
    }

    func handshakeFailed(_ reason: String, peer: [UInt8]) {
        report.handshakeFailed(reason, peer: peer, at: monotonicMilliseconds)
    }

    func deadlineCameNearer(_ connection: Connection) {
        deadlines.place(connection)
    }

    func connectionClosed(_ connection: Connection) {
        deadlines.remove(connection)
        forget(connection)
        if connection.owesAnswer { owed += 1 }
        report.closedConnections.add(1, ordering: .relaxed)
        observer.closed()
        acceptAgain()
        finishStoppingIfIdle()
    }

    private func forget(_ connection: Connection) {
        // The last one takes its place.
        let last = connections.removeLast()
        if last !== connection {
            last.listPlace = connection.listPlace
            connections[Int(connection.listPlace)] = last
        }
        if !handshaking.isEmpty { handshaking[ObjectIdentifier(connection)] = nil }
    }

    func answeredAfterClose(_ connection: Connection) {
        owed -= 1
        finishStoppingIfIdle()
    }

    /// Takes over all limits except for its share of the connections.
    func reload(_ fresh: ServerLimits) {
        var taken = fresh
        taken.connectionsPerLoopMax = limits.connectionsPerLoopMax
        commons.limits = taken
        replies.setIdleTimeout(milliseconds: taken.idleTimeoutMilliseconds)
        for connection in connections { connection.limitsChanged() }
    }

    /// Stops accepting, closes what is idle, lets the rest finish, then calls `then`.
    func stop(then: @escaping () -> Void) {
        guard !isStopping else { return }
        isStopping = true
        onStopped = then
        closeListeners()
        for connection in connections { connection.stop() }
        stopTimer?.start(afterMilliseconds: limits.stopTimeoutMilliseconds) { [unowned self] in
            for connection in connections { connection.abort() }
        }
        finishStoppingIfIdle()
    }

    private func finishStoppingIfIdle() {
        // What the store still works on is recorded before the store may close.
        guard isStopping, connections.isEmpty, owed == 0, let then = onStopped else { return }
        onStopped = nil
        sweeper?.close()
        clock?.close()
        stopTimer?.close()
        turnEnd?.close()
        nextTurn?.close()
        observer.ended()
        then()
    }
}
