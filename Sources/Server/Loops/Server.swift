// The whole server: one thread per public event loop, and the loop of the caller for the probes,
// signals and expiry.

import Metrics
import Synchronization
import System
import Tokens
import UV

/// What a server is to be.
public struct ServerConfiguration {
    public var listen: SocketAddress
    public var adminListen: SocketAddress
    /// Public event loops, each with a thread.
    public var loops: Int
    /// Listening sockets that were handed to the process; empty: `listen` and `adminListen` count.
    public var listenDescriptors: [Int32] = []
    public var adminDescriptors: [Int32] = []
    /// Without a trailing slash; nil: `http://` and the address that was bound.
    public var publicURL: String?
    public var limits = ServerLimits()
    /// For attempts that fail; nil lets all fail as often as they like.
    public var throttle: FailureThrottle?
    /// nil: nothing is written down.
    public var audit: (any AuditSink)?
    /// For the access log.
    public var log: Logger?
    /// Adds what is not the server's own to the page of metrics. The caller's thread; must not wait.
    public var moreMetrics: ((inout MetricsText) -> Void)?
    public var heartbeat: Heartbeat?
    /// SIGHUP has come. The caller's thread; must not wait.
    public var onHangUp: (Server) -> Void = { _ in }
    /// Is told of each change. The caller's thread; must not wait.
    public var onStateChange: (ServerState) -> Void = { _ in }

    public init(listen: SocketAddress, adminListen: SocketAddress, loops: Int) {
        self.listen = listen
        self.adminListen = adminListen
        self.loops = loops
    }
}

/// A call from the main loop in regular intervals.
public struct Heartbeat {
    public let milliseconds: UInt64
    /// Is given the numbers of the public loops that have not turned for as long.
    public let beat: ([Int]) -> Void

    public init(milliseconds: UInt64, _ beat: @escaping ([Int]) -> Void) {
        self.milliseconds = milliseconds
        self.beat = beat
    }
}

/// What a server is doing, as those who run it are told.
public enum ServerState: Sendable {
    /// It accepts and answers, and no more clients should be sent.
    case draining
    /// It accepts nobody, and finishes what is under way.
    case stopping
}

/// Why a server could not start.
public struct StartFailure: Error, CustomStringConvertible {
    public let address: SocketAddress
    /// The option that chose the address.
    public let option: String
    public let cause: UVError

    public var description: String {
        if cause == .addressInUse {
            return "\(address) is in use by another process; stop that one, or choose another "
                + "address with \(option)"
        }
        return "cannot listen on \(address): \(cause); choose another address with \(option)"
    }
}

/// What the public loops tell the main thread.
final class LoopReport: Sendable {
    /// Loops that have not ended yet.
    let running = Atomic(0)
    /// Connections closed so far, by all loops.
    let closedConnections = Atomic(0)
}

/// A running server. Made, run and dropped on one thread.
public final class Server {
    private let control: EventLoop
    private let admin: ServingLoop
    private let adminRouter: AdminRouter
    private let store: any TokenStore
    private let page: MetricsPage
    private var workers: [Worker] = []
    private var orders: [LoopOrders] = []
    private let report = LoopReport()
    private var expiry: UV.Timer?
    private var workerStopped: Wakeup?
    private var signals: [Signal] = []
    private var signalledAt: UInt64?
    private var isStopping = false
    private var drainTimer: UV.Timer?
    private var heartbeat: UV.Timer?
    private var drainDelayMilliseconds: UInt64
    private let onStateChange: (ServerState) -> Void
    private var nextExpiry = Milliseconds.max
    private var hasFreed = false
    private var connectionsSeenClosed = 0
    private var releasedAt: Milliseconds = 0

    /// Where the public listeners are bound.
    public let address: SocketAddress
    public let adminAddress: SocketAddress

    /// Binds everything and starts the public loops.
    ///
    /// - Parameters:
    ///   - makeStore: the store as seen from a loop; called once for each loop, this one too.
    ///   - makeIssuer: called once for each loop, with its store.
    public init(
        _ configuration: ServerConfiguration,
        makeStore: (EventLoop) throws(UVError) -> any TokenStore,
        makeIssuer: (any TokenStore) -> TokenIssuer
    ) throws(StartFailure) {
        Signal.ignoreWriteSignals()
        drainDelayMilliseconds = configuration.limits.drainDelayMilliseconds
        onStateChange = configuration.onStateChange
        var configuration = configuration
        configuration.limits.shareConnections(
            descriptors: Machine.raiseDescriptorLimit(), loops: configuration.loops)
        func failed(_ cause: UVError) -> StartFailure {
            StartFailure(address: configuration.listen, option: "--listen", cause: cause)
        }
        do throws(UVError) {
            control = try EventLoop()
            address = try Server.claim(configuration, control)
            store = try makeStore(control)
        } catch { throw failed(error) }
        let issuer = makeIssuer(store)
        let page = MetricsPage(store, configuration.moreMetrics)
        self.page = page
        adminRouter = AdminRouter(
            isStoreAvailable: { [store] in store.isAvailable }, renderMetrics: { page.render() })
        do throws(UVError) {
            admin = try ServingLoop(
                loop: control, source: Server.adminSource(configuration),
                limits: Server.adminLimits(configuration.limits), handler: adminRouter,
                replies: Server.replies(configuration, address, issuer), report: report)
        } catch {
            store.close()
            control.run()
            throw StartFailure(
                address: configuration.adminListen, option: "--admin-listen", cause: error)
        }
        adminAddress = admin.boundAddress ?? configuration.adminListen
        do throws(UVError) {
            workerStopped = try Wakeup(control) { [unowned self] in finishIfStopped() }
            expiry = try Timer(control)
            drainTimer = try Timer(control)
            heartbeat = try configuration.heartbeat.map { heart throws(UVError) in
                try startHeartbeat(heart)
            }
            for _ in 0..<configuration.loops {
                let loop = try EventLoop()
                let store = try makeStore(loop)
                try startLoop(configuration, loop, store, makeIssuer(store))
            }
            try handleSignals(configuration.onHangUp)
        } catch {
            stop()
            run()
            throw failed(error)
        }
        adminRouter.readiness = .ready
        expire()
    }

    private func handleSignals(_ onHangUp: @escaping (Server) -> Void) throws(UVError) {
        signals.append(
            try Signal(control, Signal.hangUp) { [unowned self] in onHangUp(self) })
        for number in [Signal.terminate, Signal.interrupt] {
            signals.append(
                try Signal(control, number) { [unowned self] in signalled(number) })
        }
    }

    /// Binds the address once without `SO_REUSEPORT`, so that a second server on the same port is
    /// refused instead of silently sharing it; returns it with the port that the kernel chose. It
    /// does not listen: a client that came just now would be lost.
    private static func claim(
        _ configuration: ServerConfiguration, _ loop: EventLoop
    ) throws(UVError) -> SocketAddress {
        defer { loop.run() }
        if let descriptor = configuration.listenDescriptors.first {
            let shared = try TCPListener(loop, sharing: descriptor) { $0.close() }
            defer { shared.close() }
            return shared.boundAddress ?? configuration.listen
        }
        let address = configuration.listen
        let probe = try TCPListener(
            loop, address, sharesPort: false, listens: false
        ) { $0.close() }
        defer { probe.close() }
        return address.with(port: probe.boundPort)
    }

    private static func adminSource(_ configuration: ServerConfiguration) -> ListenSource {
        configuration.adminDescriptors.isEmpty
            ? .address(configuration.adminListen, isShared: false)
            : .sockets(configuration.adminDescriptors)
    }

    /// Probes are short: they do not hold up the end of the process.
    private static func adminLimits(_ limits: ServerLimits) -> ServerLimits {
        var limits = limits
        limits.stopTimeoutMilliseconds = 500
        limits.connectionsPerLoopMax = ServerLimits.adminConnectionsMax
        return limits
    }

    private static func replies(
        _ configuration: ServerConfiguration, _ address: SocketAddress, _ issuer: TokenIssuer
    ) -> Replies {
        Replies(
            publicURL: configuration.publicURL ?? "http://\(address)",
            tokenLifetime: issuer.settings.tokenLifetime,
            issueErrorID: { issuer.drawErrorID() })
    }

    private func startLoop(
        _ configuration: ServerConfiguration, _ loop: EventLoop, _ store: any TokenStore,
        _ issuer: TokenIssuer
    ) throws(UVError) {
        let replies = Server.replies(configuration, address, issuer)
        let router = Router(
            issuer: issuer, shared: replies.shared, throttle: configuration.throttle,
            now: Clock.wallMilliseconds)
        let auditor = configuration.audit.map {
            Auditor(
                $0, issuer: issuer, now: Clock.wallMilliseconds, random: SystemRandom.fill)
        }
        let metrics = LoopMetrics(
            codeLifetime: issuer.settings.codeLifetime, now: Clock.wallMilliseconds())
        page.add(metrics)
        let serving = try ServingLoop(
            loop: loop,
            source: configuration.listenDescriptors.isEmpty
                ? .address(address, isShared: true) : .sockets(configuration.listenDescriptors),
            limits: configuration.limits,
            handler: router, replies: replies, auditor: auditor, metrics: metrics,
            log: configuration.log, report: report)
        let orders = try LoopOrders(loop, serving) { store.close() }
        guard let stopped = workerStopped?.sender else { return }
        self.orders.append(orders)
        let report = report
        report.running.add(1, ordering: .relaxed)
        do throws(UVError) {
            workers.append(
                try Worker(owning: serving, named: "loop \(workers.count)") { serving in
                    serving.loop.run()
                    report.running.subtract(1, ordering: .releasing)
                    stopped.wake()
                })
        } catch {
            // No thread to be had: what was opened on the loop is closed here instead.
            report.running.subtract(1, ordering: .releasing)
            self.orders.removeLast()
            orders.stop()
            loop.run()
            throw error
        }
    }

    /// Serves until SIGTERM, SIGINT or `stop`.
    public func run() {
        control.run()
        for worker in workers { worker.join() }
    }

    /// Supervisors signal a process and then its group: signals so close are one, in milliseconds.
    private static let sameSignalMilliseconds: UInt64 = 1000

    /// The first asks for an orderly end, the second for an immediate one: it ends the process as if
    /// there were no handler.
    private func signalled(_ number: Int32) {
        let now = control.monotonicMilliseconds
        guard let first = signalledAt else {
            signalledAt = now
            return drain()
        }
        if now - first >= Server.sameSignalMilliseconds { Signal.end(by: number) }
    }

    private func startHeartbeat(_ heart: Heartbeat) throws(UVError) -> UV.Timer {
        let timer = try Timer(control)
        timer.start(
            afterMilliseconds: heart.milliseconds, repeatMilliseconds: heart.milliseconds
        ) { [page] in heart.beat(page.stuckLoops(longerThan: heart.milliseconds)) }
        return timer
    }

    /// Timeouts that count from now on, on all loops; the other limits stay.
    public func reload(_ limits: ServerLimits) {
        drainDelayMilliseconds = limits.drainDelayMilliseconds
        for orders in orders { orders.reload(limits) }
    }

    /// Says that no more clients should be sent; some time later, stops.
    public func drain() {
        adminRouter.readiness = .draining
        guard drainDelayMilliseconds > 0, drainTimer != nil else { return stop() }
        onStateChange(.draining)
        drainTimer?.start(afterMilliseconds: drainDelayMilliseconds) { [unowned self] in stop() }
    }

    /// Ends the server cleanly: requests under way are answered, then `run` returns.
    public func stop() {
        guard !isStopping else { return }
        isStopping = true
        // Where it could not even start, nobody was told that it had.
        if adminRouter.readiness != .starting { onStateChange(.stopping) }
        adminRouter.readiness = .draining
        for orders in orders { orders.stop() }
        finishIfStopped()
    }

    private func finishIfStopped() {
        guard isStopping, report.running.load(ordering: .acquiring) == 0 else { return }
        expiry?.close()
        drainTimer?.close()
        heartbeat?.close()
        workerStopped?.close()
        for signal in signals { signal.close() }
        // What comes now is the same signal once more, or too late to hurry anything; and SIGHUP would
        // end the process while the store is being closed.
        for number in [Signal.terminate, Signal.interrupt, Signal.hangUp] { Signal.ignore(number) }
        admin.stop { [store] in store.close() }
    }

    /// How long to wait before asking again, where nothing is stored yet, in milliseconds.
    private static let expiryPauseMilliseconds: Milliseconds = 1000

    /// While something expires all the time, free memory goes back this often, in milliseconds.
    private static let releaseMilliseconds: Milliseconds = 30_000

    /// Lets the store forget what has expired, and arms the timer for the next time.
    private func expire() {
        let now = Clock.wallMilliseconds()
        let wasDue = nextExpiry <= now
        store.removeExpired(now: now) { [weak self] result in
            let pause = Server.expiryPauseMilliseconds
            let known: Milliseconds? =
                switch result {
                case .success(let next): next
                case .failure: nil
                }
            let next = known ?? now + pause
            self?.nextExpiry = known ?? .max
            self?.releaseMemory(now, wasDue: wasDue)
            // A code made meanwhile may be due before what was oldest, so never wait long.
            let wait = UInt64(min(max(next - now, 1), pause))
            self?.expiry?.start(afterMilliseconds: wait) { [weak self] in self?.expire() }
        }
    }

    /// As many closed connections leave megabytes.
    private static let crowd = 1000

    /// What has expired is free, and what a crowd of clients took, but the allocator keeps it until
    /// it is told otherwise. That takes milliseconds, so it waits until nothing more is due.
    private func releaseMemory(_ now: Milliseconds, wasDue: Bool) {
        let closed = report.closedConnections.load(ordering: .relaxed)
        let isBusy = wasDue || closed - connectionsSeenClosed >= Server.crowd
        if isBusy { (hasFreed, connectionsSeenClosed) = (true, closed) }
        guard hasFreed, !isBusy || now - releasedAt >= Server.releaseMilliseconds else { return }
        Machine.releaseFreeMemory()
        hasFreed = false
        releasedAt = now
    }
}
