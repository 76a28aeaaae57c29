// The wiring: which store, which registry, which server. The only place that names them together.

import Metrics
import Server
import System
import TLS
import Tokens
import UV

/// A started server with everything it stands on.
struct Program {
    private let server: Server
    private let store: any OpenedStore
    private let audit: ServerAudit
    private let reports: ServerReports
    private let notices: ServiceNotices
    private let logger: Logger

    init(
        _ options: Settings, _ reload: Reload, _ logger: Logger
    ) throws(ProgramFailure) {
        self.logger = logger
        Signal.ignoreWriteSignals()
        // Secrets are in memory; a core on disk, or another process that looks in, would have them.
        Machine.forbidCoreDumps()
        let notices = ServiceNotices(ServiceManager.fromEnvironment())
        self.notices = notices
        let sockets = try Program.activatedSockets()
        let settings = IssuerSettings(options)
        let (refusals, clock) = (ProxyRefusals(), Timekeeper(following: ReferenceClock()))
        let tls = try ServerTLS(options, clock, logger)
        var configuration = try Program.configuration(options, refusals, sockets, tls, logger)
        let reports = ServerReports(clock)
        self.reports = reports
        configuration.reports = reports.collector
        let store = try Program.open(options, settings, clock, notices, reports, logger)
        self.store = store
        do throws(ProgramFailure) {
            audit = try ServerAudit(options, settings.mode, clock, logger)
            try store.note(options.filesBesideTheStore)
            try Program.keep(reports, store, logger)
        } catch {
            store.close()
            throw error
        }
        configuration.clock = clock
        configuration.isServing = store.isServing
        configuration.isReady = { store.isReady }
        audit.configure(&configuration)
        configuration.heartbeat = notices.heartbeat(store) { logger.log(.warning, $0) }
        configuration.onStateChange = Program.stateChanged(notices, reload, logger)
        configuration.onHangUp = Program.hangUp(audit, tls, reload, notices, logger)
        configuration.moreMetrics = Program.metrics(
            settings.mode, store, audit, tls, refusals, reports)
        do throws(StartFailure) {
            server = try Server(configuration, makeStore: store.face) { face in
                TokenIssuer(
                    registry: store.registry, settings: settings, store: face,
                    keyring: store.keyring, random: RandomPool(fill: SystemRandom.fill))
            }
        } catch {
            reports.close()
            audit.close()
            store.close()
            throw ProgramFailure(description: error.description)
        }
        announce(options, configuration, clock, options.overridden(by: sockets) + tls.notices)
    }

    private static func keep(
        _ reports: ServerReports, _ store: any OpenedStore, _ logger: Logger
    ) throws(ProgramFailure) {
        try reports.start(
            store.reports, name: store.serverName, storeSilence: store.silence
        ) { logger.log(.warning, $0) }
    }

    private static func hangUp(
        _ audit: ServerAudit, _ tls: ServerTLS, _ reload: Reload, _ notices: ServiceNotices,
        _ logger: Logger
    ) -> (Server) -> Void {
        {
            // logrotate moves the file, and then sends the signal.
            audit.log?.reopen()
            reload.perform($0, files: tls.reload(), notices, logger)
        }
    }

    private static func open(
        _ options: Settings, _ settings: IssuerSettings, _ clock: Timekeeper,
        _ notices: ServiceNotices, _ reports: ServerReports, _ logger: Logger
    ) throws(ProgramFailure) -> any OpenedStore {
        if let refusal = options.missingAuditLog(options.mode) { throw refusal }
        try options.checkFolders()
        return try options.chosenStore.open(
            options.keysFile, settings, clock,
            report: { [collector = reports.collector] line in
                logger.log(.warning, line)
                collector.storeSaid(line)
                notices.status(line)
            }, onLoss: { endAfterLoss(logger) })
    }

    /// What does not hang on the store. Sees to it that there are enough descriptors for all of it.
    private static func configuration(
        _ options: Settings, _ refusals: ProxyRefusals, _ sockets: ActivatedSockets,
        _ tls: ServerTLS, _ logger: Logger
    ) throws(ProgramFailure) -> ServerConfiguration {
        var configuration = ServerConfiguration(options)
        configuration.listenDescriptors = sockets.descriptors("http")
        configuration.adminDescriptors = sockets.descriptors("admin")
        configuration.streams = options.streams(tls.endpoint(.open), counting: refusals)
        configuration.adminStreams =
            tls.endpoint(.admin).map { .tls($0, over: .plain) } ?? .plain
        configuration.certificates = tls.policy
        configuration.log = logger
        configuration.onWarning = { logger.log(.warning, $0) }
        do throws(StartFailure) {
            try configuration.reserveDescriptors()
            // Before the store: a start that is refused makes no files.
            try Server.checkAddresses(configuration)
        } catch {
            throw ProgramFailure(description: error.description)
        }
        return configuration
    }

    private func announce(
        _ options: Settings, _ configuration: ServerConfiguration, _ clock: Timekeeper,
        _ more: [String]
    ) {
        let start = StartNotice(options, store.isOpen ? store.registry.registry : nil)
        logger.log(.info, start.line)
        if let migration = store.migration { logger.log(.info, migration) }
        let notices =
            [start.warning, start.lockedOut, clock.startNotice] + options.frontNotices(server)
            + more
        for line in notices.compactMap({ $0 }) {
            logger.log(.warning, line)
        }
        let (url, loops) = (configuration.streams.url(server.address), configuration.loops)
        logger.log(
            .info,
            "listening on \(url), probes on \(configuration.adminStreams.url(server.adminAddress)), "
                + "\(loops) event loop\(loops == 1 ? "" : "s")")
        self.notices.ready("serving on \(url)")
    }

    private static func activatedSockets() throws(ProgramFailure) -> ActivatedSockets {
        do throws(ActivatedSockets.Failure) {
            return try ActivatedSockets.fromEnvironment(names: ["http", "admin"])
        } catch {
            throw ProgramFailure(description: error.description, status: 78)
        }
    }

    /// Tells people and the service manager; and sees to it that the process ends in time, whatever
    /// the disk does.
    private static func stateChanged(
        _ notices: ServiceNotices, _ reload: Reload, _ logger: Logger
    ) -> (ServerState) -> Void {
        { state in
            let drainTimeout = reload.settings.drainTimeout
            notices.changed(state)
            switch state {
            case .draining:
                logger.log(.info, "draining: /readyz says 503, connections are still accepted")
            case .stopping:
                logger.log(
                    .info, "stopping: no more connections; what is under way has \(drainTimeout) s")
                Worker.endProcess(afterSeconds: UInt32(drainTimeout) + 1, status: 74) {
                    logger.log(.error, "the disk did not answer in time; ended without it")
                    logger.close()
                }
            }
        }
    }

    /// The disk has lost changes, and only a new process knows which. Requests that wait are answered
    /// meanwhile.
    private static func endAfterLoss(_ logger: Logger) {
        Worker.endProcess(afterSeconds: 1, status: 74) { logger.close() }
    }

    /// What the page of metrics says of what stands behind the server.
    private static func metrics(
        _ mode: IssuerSettings.Mode, _ store: any OpenedStore, _ audit: ServerAudit,
        _ tls: ServerTLS, _ refusals: ProxyRefusals, _ reports: ServerReports
    ) -> (inout MetricsText) -> Void {
        let labels = [
            ("version", Version.current), ("mode", mode == .sandbox ? "sandbox" : "production"),
            ("store", store.name),
        ]
        return { text in
            text.gauge(
                "obie_tokens_build_info", "1; the labels say which program this is.",
                [(labels, 1)])
            store.appendMetrics(to: &text)
            audit.appendMetrics(to: &text)
            tls.appendMetrics(to: &text)
            refusals.appendMetrics(to: &text)
            reports.collector.appendMetrics(to: &text)
        }
    }

    /// Serves until it is told to stop, and leaves everything on disk.
    func run() {
        server.run()
        reports.close()
        audit.close()
        store.close()
        if let summary = store.summary { logger.log(.info, summary) }
        logger.log(.info, "stopped")
    }

    /// One line on stderr. Never a secret. Any thread.
    @Sendable static func log(_ line: String) {
        Log.line("obie-tokens: \(OneLine.printable(line))")
    }
}
