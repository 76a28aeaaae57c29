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
    private(set) var limits: ServerLimits
    let handler: any RequestHandler
    let replies: Replies
    let auditor: Auditor?
    let metrics: LoopMetrics?
    let log: Logger?
    let loop: EventLoop
    private(set) var isStopping = false
    private let source: ListenSource
    private var listeners: [TCPListener] = []
    private var connections: [ObjectIdentifier: Connection] = [:]
    private var deadlines: DeadlineWheel<Connection>
    private var sweeper: UV.Timer?
    private var clock: UV.Timer?
    private var stopTimer: UV.Timer?
    private var reopener: UV.Timer?
    private var turnEnd: BeforeWait?
    private var turnBegan: UInt32?
    private let report: LoopReport
    private var onStopped: (() -> Void)?

    init(
        loop: EventLoop, source: ListenSource, limits: ServerLimits,
        handler: any RequestHandler, replies: Replies, auditor: Auditor? = nil,
        metrics: LoopMetrics? = nil, log: Logger? = nil, report: LoopReport
    ) throws(UVError) {
        self.loop = loop
        self.limits = limits
        self.handler = handler
        self.replies = replies
        self.auditor = auditor
        self.metrics = metrics
        self.log = log
        self.report = report
        deadlines = DeadlineWheel(now: loop.monotonicMilliseconds)
        self.source = source
        try listen()
        replies.setDate(seconds: Clock.wallMilliseconds() / 1000)
        try startTimers()
    }

    private func listen() throws(UVError) {
        do throws(UVError) {
            switch source {
            case .address(let address, let isShared):
                listeners.append(
                    try TCPListener(
                        loop, address, sharesPort: isShared,
                        onFailure: { [unowned self] _ in listenAgainLater() },
                        { [unowned self] stream in accept(stream) }))
            case .sockets(let descriptors):
                for descriptor in descriptors {
                    listeners.append(
                        try TCPListener(
                            loop, sharing: descriptor,
                            onFailure: { [unowned self] _ in listenAgainLater() },
                            { [unowned self] stream in accept(stream) }))
                }
            }
        } catch {
            closeListeners()
            throw error
        }
    }

    private func closeListeners() {
        for listener in listeners { listener.close() }
        listeners = []
    }

    /// Out of descriptors or memory in spite of the limit. Clients wait in the kernel or go
    /// elsewhere meanwhile.
    private func listenAgainLater() {
        closeListeners()
        reopener?.start(afterMilliseconds: limits.acceptPauseMilliseconds) { [unowned self] in
            guard !isStopping else { return }
            do throws(UVError) { try listen() } catch { listenAgainLater() }
        }
    }

    private func startTimers() throws(UVError) {
        let tick = DeadlineWheel<Connection>.tickMilliseconds
        sweeper = try Timer(loop)
        expectTick()
        sweeper?.start(afterMilliseconds: tick, repeatMilliseconds: tick) { [unowned self] in
            expectTick()
            sweep()
        }
        if metrics != nil {
            turnEnd = try BeforeWait(loop) { [unowned self] in turnBegan = nil }
        }
        clock = try Timer(loop)
        stopTimer = try Timer(loop)
        reopener = try Timer(loop)
        tickClock()
    }

    /// Notes by how much the tick is late, and when the next is due.
    private func expectTick() {
        guard let metrics else { return }
        let now = Clock.monotonicMicroseconds()
        let due = metrics.nextTick.value
        metrics.lateMicroseconds.set(due == 0 ? 0 : max(0, now - due))
        metrics.nextTick.set(now + Int(DeadlineWheel<Connection>.tickMilliseconds) * 1000)
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

    /// The clock is read once a turn: what waits for its turn within the turn waits visibly.
    var turnBeganMicroseconds: UInt32 {
        if let turnBegan { return turnBegan }
        let now = UInt32(truncatingIfNeeded: Clock.monotonicMicroseconds())
        turnBegan = now
        return now
    }

    /// Where the first listener is bound.
    var boundAddress: SocketAddress? { listeners.first?.boundAddress }

    private func accept(_ stream: TCPStream) {
        let connection = Connection(stream, self)
        connections[ObjectIdentifier(connection)] = connection
        metrics?.connectionsOpened.add()
        if connections.count >= limits.connectionsPerLoopMax {
            for listener in listeners { listener.pause() }
        }
        stream.start(connection)
    }

    private func sweep() {
        for connection in deadlines.advance(now: loop.monotonicMilliseconds) {
            connection.deadlinePassed()
        }
    }

    func deadlineCameNearer(_ connection: Connection) {
        deadlines.place(connection)
    }

    func connectionClosed(_ connection: Connection) {
        deadlines.remove(connection)
        connections[ObjectIdentifier(connection)] = nil
        report.closedConnections.add(1, ordering: .relaxed)
        metrics?.connectionsClosed.add()
        if connections.count < limits.connectionsPerLoopMax {
            for listener in listeners { listener.resume() }
        }
        finishStoppingIfIdle()
    }

    /// Takes over all limits except for its share of the connections.
    func reload(_ fresh: ServerLimits) {
        let share = limits.connectionsPerLoopMax
        limits = fresh
        limits.connectionsPerLoopMax = share
        for connection in connections.values { connection.limitsChanged() }
    }

    /// Stops accepting, closes what is idle, lets the rest finish, then calls `then`.
    func stop(then: @escaping () -> Void) {
        guard !isStopping else { return }
        isStopping = true
        onStopped = then
        closeListeners()
        for connection in connections.values { connection.stop() }
        stopTimer?.start(afterMilliseconds: limits.stopTimeoutMilliseconds) { [unowned self] in
            for connection in connections.values { connection.abort() }
        }
        finishStoppingIfIdle()
    }

    private func finishStoppingIfIdle() {
        guard isStopping, connections.isEmpty, let then = onStopped else { return }
        onStopped = nil
        sweeper?.close()
        clock?.close()
        stopTimer?.close()
        reopener?.close()
        turnEnd?.close()
        metrics?.nextTick.set(.max)
        then()
    }
}
