// One public event loop with all that stands on it, before it has a thread.

import System
import Tokens
import UV

/// What a server gives to each of its public loops.
struct PublicLoopSource {
    let configuration: ServerConfiguration
    /// Where the first listener was bound: the others bind the same.
    let address: SocketAddress
    let page: MetricsPage
    let census: CodeCensus
    let report: LoopReport
    private let counts: SandboxCounts

    init(
        configuration: ServerConfiguration, address: SocketAddress, page: MetricsPage,
        census: CodeCensus, report: LoopReport
    ) {
        (self.configuration, self.address, self.page) = (configuration, address, page)
        (self.census, self.report) = (census, report)
        counts = SandboxCounts(census, configuration.clock)
    }

    /// Makes what a loop counts in, for all who read it.
    func metrics() -> LoopMetrics {
        let metrics = LoopMetrics(census)
        page.add(metrics)
        counts.add(metrics)
        return metrics
    }

    /// What the sandbox's page is told; nil in production.
    func sandboxCounts(_ settings: IssuerSettings) -> (() -> [UInt8])? {
        guard settings.mode == .sandbox else { return nil }
        return { [counts] in counts.json(codeLifetime: settings.codeLifetime) }
    }

    /// What a loop of this server answers with.
    func replies(_ issuer: TokenIssuer) -> Replies {
        Replies(
            publicURL: configuration.url(at: address),
            tokenLifetime: issuer.settings.tokenLifetime,
            drawID: { issuer.drawNumber() })
    }
}

/// A loop that listens, and has not run yet: it gets a thread, or is abandoned.
struct PublicLoop {
    let serving: ServingLoop
    let orders: LoopOrders
    private let store: any TokenStore

    /// - Throws: `StartFailure`, with nothing left open.
    init(
        _ source: PublicLoopSource, _ makeStore: (EventLoop) throws(UVError) -> any TokenStore,
        _ makeIssuer: (any TokenStore) -> TokenIssuer
    ) throws(StartFailure) {
        let loop = try EventLoop.forServer()
        var store: (any TokenStore)?
        do throws(StartFailure) {
            let gate = try loop.gate(source.configuration.makeAuditGate)
            let face: any TokenStore
            do throws(StartFailure) {
                let inner = try loop.face(makeStore)
                face = gate.map { AuditedStore(inner, $0) } ?? inner
            } catch {
                gate?.close()
                throw error
            }
            store = face
            serving = try PublicLoop.serve(source, loop, makeIssuer(face), gate)
            orders = try PublicLoop.orders(loop, serving, face)
            self.store = face
        } catch {
            store?.close()
            loop.abandon()
            throw error
        }
    }

    private static func serve(
        _ source: PublicLoopSource, _ loop: EventLoop, _ issuer: TokenIssuer,
        _ gate: (any AuditGate)?
    ) throws(StartFailure) -> ServingLoop {
        let configuration = source.configuration
        let replies = source.replies(issuer)
        let clock = RequestClock(now: configuration.clock.now)
        let router = Router(
            issuer: issuer, shared: replies.shared, throttle: configuration.throttle, clock: clock,
            certificates: configuration.certificates, isServing: configuration.isServing,
            sandboxCounts: source.sandboxCounts(issuer.settings))
        let observer = LoopObserver(
            metrics: source.metrics(),
            reports: configuration.reports.map {
                LoopReports($0) { issuer.registry.reference(of: $0) }
            },
            auditor: configuration.audit.map {
                Auditor($0, gate: gate, issuer: issuer, clock: clock, random: SystemRandom.fill)
            }, log: configuration.log)
        do throws(ListenFailure) {
            return try ServingLoop(
                loop: loop,
                source: configuration.listenDescriptors.isEmpty
                    ? .address(source.address, isShared: true)
                    : .sockets(configuration.listenDescriptors),
                streams: configuration.streams, trustedProxies: configuration.trustedProxies,
                limits: configuration.limits, handler: router, replies: replies, observer: observer,
                report: source.report)
        } catch {
            throw StartFailure(error, source.address, option: "--listen")
        }
    }

    private static func orders(
        _ loop: EventLoop, _ serving: ServingLoop, _ store: any TokenStore
    ) throws(StartFailure) -> LoopOrders {
        do throws(UVError) {
            return try LoopOrders(loop, serving) { store.close() }
        } catch {
            throw .files(error)
        }
    }

    /// Starts the thread, which owns the loop from then on.
    ///
    /// - Parameter onEnd: runs on the thread, last.
    /// - Throws: `StartFailure.threads`; the loop is as it was.
    func start(number: Int, onEnd: @escaping @Sendable () -> Void) throws(StartFailure) -> Worker {
        do throws(UVError) {
            return try Worker(owning: serving, named: "loop \(number)") { serving in
                serving.loop.run()
                onEnd()
            }
        } catch {
            throw .threads(error)
        }
    }

    /// Closes everything. Only where it has not been started.
    func abandon() {
        store.close()
        serving.loop.abandon()
    }
}

extension EventLoop {
    static func forServer() throws(StartFailure) -> EventLoop {
        do throws(UVError) { return try EventLoop() } catch { throw .files(error) }
    }

    /// What success waits for on this loop.
    func gate(
        _ make: ((EventLoop) throws(UVError) -> any AuditGate)?
    ) throws(StartFailure) -> (any AuditGate)? {
        guard let make else { return nil }
        do throws(UVError) { return try make(self) } catch { throw .files(error) }
    }

    /// The store as this loop sees it.
    func face(
        _ makeStore: (EventLoop) throws(UVError) -> any TokenStore
    ) throws(StartFailure) -> any TokenStore {
        do throws(UVError) { return try makeStore(self) } catch { throw .files(error) }
    }
}
