// The whole server: one thread per public event loop, and the loop of the caller for the probes,
// signals and expiry.

import Metrics
import Synchronization
import System
import Tokens
import UV

/// A running server. Made, run and dropped on one thread.
public final class Server {
    private let control: EventLoop
    private let admin: ServingLoop
    private let adminRouter: AdminRouter
    private let store: any TokenStore
    private let page: MetricsPage
    private let census: CodeCensus
    private let report: LoopReport
    private var workers: [Worker] = []
    private var orders: [LoopOrders] = []
    private var expiry: Expiry?
    private var clockWatch: ClockWatch?
    private var workerStopped: Wakeup?
    private var signals: ProcessSignals?
    private var isStopping = false
    private var drainTimer: UV.Timer?
    private var heartbeat: UV.Timer?
    private var drainDelayMilliseconds: UInt64
    private let onStateChange: (ServerState) -> Void

    /// Where the public listeners are bound.
    public let address: SocketAddress
    /// What links in answers begin with.
    public let publicURL: String
    public let adminAddress: SocketAddress

    /// Binds everything and starts the public loops.
    ///
    /// - Parameters:
    ///   - makeStore: the store as seen from a loop; called once for each loop, this one too.
    ///   - makeIssuer: called once for each loop, with its store.
    /// - Throws: `StartFailure`. Nothing is left open then, and no thread is left.
    public init(
        _ configuration: ServerConfiguration,
        makeStore: (EventLoop) throws(UVError) -> any TokenStore,
        makeIssuer: (any TokenStore) -> TokenIssuer
    ) throws(StartFailure) {
        Signal.ignoreWriteSignals()
        try configuration.reserveDescriptors()
        var configuration = configuration
        configuration.limits.shareConnections(
            descriptors: Machine.descriptorLimit, loops: configuration.loops)
        drainDelayMilliseconds = configuration.limits.drainDelayMilliseconds
        onStateChange = configuration.onStateChange
        report = LoopReport(onWarning: configuration.onWarning)
        let claim = try Server.claim(configuration)
        // Until every loop has bound it: nobody else gets the port in between.
        defer { claim.socket?.close() }
        address = claim.address
        publicURL = configuration.url(at: claim.address)
        control = try EventLoop.forServer()
        do throws(StartFailure) {
            store = try control.face(makeStore)
        } catch {
            control.abandon()
            throw error
        }
        let issuer = makeIssuer(store)
        let census = CodeCensus(
            lifetime: issuer.settings.codeLifetime, now: configuration.clock.now())
        self.census = census
        let page = MetricsPage(store, configuration.clock, census, configuration.moreMetrics)
        self.page = page
        adminRouter = AdminRouter(
            isStoreAvailable: { [store] in store.isAvailable && configuration.takesWork },
            renderMetrics: { page.render() })
        let source = PublicLoopSource(
            configuration: configuration, address: address, page: page, census: census,
            report: report)
        do throws(StartFailure) {
            admin = try Server.admin(
                source, control, adminRouter, source.replies(issuer))
        } catch {
            store.close()
            control.abandon()
            throw error
        }
        adminAddress = admin.boundAddress ?? configuration.adminListen
        try start(source, makeStore, makeIssuer)
        adminRouter.readiness = .ready
        expiry?.expire()
    }

    /// Opens every public loop, and only then gives them threads: most of what can be lacking shows
    /// before there is anybody to stop.
    private func start(
        _ source: PublicLoopSource, _ makeStore: (EventLoop) throws(UVError) -> any TokenStore,
        _ makeIssuer: (any TokenStore) -> TokenIssuer
    ) throws(StartFailure) {
        var opened: [PublicLoop] = []
        do throws(StartFailure) {
            try openControls(source.configuration)
            for _ in 0..<source.configuration.loops {
                opened.append(try PublicLoop(source, makeStore, makeIssuer))
            }
            while let next = opened.first {
                workers.append(try startThread(next))
                orders.append(next.orders)
                opened.removeFirst()
            }
        } catch {
            for loop in opened { loop.abandon() }
            for orders in orders { orders.stop() }
            for worker in workers { worker.join() }
            store.close()
            control.abandon()
            throw error
        }
    }

    private func startThread(_ loop: PublicLoop) throws(StartFailure) -> Worker {
        let (report, stopped) = (report, workerStopped?.sender)
        report.running.add(1, ordering: .relaxed)
        do throws(StartFailure) {
            return try loop.start(number: workers.count) {
                report.running.subtract(1, ordering: .releasing)
                stopped?.wake()
            }
        } catch {
            report.running.subtract(1, ordering: .relaxed)
            throw error
        }
    }

    /// What stands on the caller's loop besides the probes.
    private func openControls(_ configuration: ServerConfiguration) throws(StartFailure) {
        let onHangUp = configuration.onHangUp
        do throws(UVError) {
            workerStopped = try Wakeup(control) { [unowned self] in finishIfStopped() }
            expiry = try Expiry(control, store, configuration.clock, census, report)
            clockWatch = try ClockWatch(
                control, configuration.clock, report: configuration.onWarning)
            drainTimer = try Timer(control)
            heartbeat = try configuration.heartbeat.map { heart throws(UVError) in
                try startHeartbeat(heart)
            }
            signals = try ProcessSignals(
                control, onEnd: { [unowned self] in drain() },
                onHangUp: { [unowned self] in onHangUp(self) })
        } catch {
            throw .files(error)
        }
    }

    /// Binds the address once without `SO_REUSEPORT`, so that a second server on the same port is
    /// refused instead of silently sharing it; returns it with the port that the kernel chose. It
    /// does not listen: a client that came just now would be lost.
    private static func claim(
        _ configuration: ServerConfiguration
    ) throws(StartFailure) -> (address: SocketAddress, socket: BoundSocket?) {
        let address = configuration.listen
        if let descriptor = configuration.listenDescriptors.first {
            return (SocketAddress(boundOf: descriptor) ?? address, nil)
        }
        do throws(ListenFailure) {
            let claimed = try BoundSocket(address, sharesPort: false)
            do throws(ListenFailure) {
                try claimed.share()
            } catch {
                claimed.close()
                throw error
            }
            return (claimed.address ?? address, claimed)
        } catch {
            throw StartFailure(error, address, option: "--listen")
        }
    }

    /// Whether a server could listen now where it is to. Nothing is left open.
    ///
    /// - Throws: `StartFailure.address` where it could not.
    public static func checkAddresses(
        _ configuration: ServerConfiguration
    ) throws(StartFailure) {
        let claim = try claim(configuration)
        defer { claim.socket?.close() }
        guard configuration.adminDescriptors.isEmpty else { return }
        do throws(ListenFailure) {
            try BoundSocket(configuration.adminListen, sharesPort: false).close()
        } catch {
            throw StartFailure(error, configuration.adminListen, option: "--admin-listen")
        }
    }

    private static func admin(
        _ source: PublicLoopSource, _ control: EventLoop, _ router: AdminRouter, _ replies: Replies
    ) throws(StartFailure) -> ServingLoop {
        let configuration = source.configuration
        // Probes are short: they do not hold up the end of the process.
        var limits = configuration.limits
        limits.stopTimeoutMilliseconds = 500
        limits.connectionsPerLoopMax = ServerLimits.adminConnectionsMax
        limits.unfinishedMilliseconds = ServerLimits.adminUnfinishedMilliseconds
        limits.idleTimeoutMilliseconds = min(
            limits.idleTimeoutMilliseconds, ServerLimits.adminIdleMilliseconds)
        do throws(ListenFailure) {
            return try ServingLoop(
                loop: control,
                source: configuration.adminDescriptors.isEmpty
                    ? .address(configuration.adminListen, isShared: false)
                    : .sockets(configuration.adminDescriptors),
                streams: configuration.adminStreams, limits: limits, handler: router,
                replies: replies, report: source.report)
        } catch {
            throw StartFailure(error, configuration.adminListen, option: "--admin-listen")
        }
    }

    /// Serves until SIGTERM, SIGINT or `stop`.
    public func run() {
        control.run()
        for worker in workers { worker.join() }
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
        onStateChange(.stopping)
        adminRouter.readiness = .draining
        for orders in orders { orders.stop() }
        finishIfStopped()
    }

    private func finishIfStopped() {
        guard isStopping, report.running.load(ordering: .acquiring) == 0 else { return }
        expiry?.close()
        clockWatch?.close()
        drainTimer?.close()
        heartbeat?.close()
        workerStopped?.close()
        signals?.close()
        admin.stop { [store] in store.close() }
    }
}
