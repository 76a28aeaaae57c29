// What a server keeps a record in, and on: its audit log, which says when the server starts and ends,
// and the room on the disks.

import Audit
import Metrics
import Server
import System
import Tokens
import UV

/// Open as long as the server runs; or none, where the settings say so. The main thread.
struct ServerAudit {
    let log: AuditLog?
    private let clock: Timekeeper
    private let isStrict: Bool
    private let volumes: VolumeWatch
    private let endWatch: () -> Void

    /// Opens or makes the log, and writes down who starts.
    ///
    /// - Throws: where it cannot be used.
    init(
        _ options: Settings, _ mode: IssuerSettings.Mode, _ clock: Timekeeper, _ logger: Logger
    ) throws(ProgramFailure) {
        self.clock = clock
        isStrict = options.audit == .strict
        let path = options.auditPath(mode)
        if isStrict, path == nil {
            throw options.failure(
                SettingsTable.rows.audit,
                "there is no audit log to wait for; name a file with --audit-log")
        }
        volumes = VolumeWatch(store: options.store.path, auditLog: path) {
            logger.log(.warning, $0)
        }
        do throws(UVError) {
            endWatch = try volumes.start()
        } catch {
            throw ProgramFailure(
                description: "cannot start a thread: \(error); " + ProgramFailure.shortageAdvice)
        }
        do throws(ProgramFailure) {
            log = try path.map { (path) throws(ProgramFailure) in
                try ServerAudit.open(path, options, clock, logger)
            }
        } catch {
            endWatch()
            throw error
        }
        log?.record(ServerAudit.start(options, mode, at: clock.now()))
    }

    private static func open(
        _ path: String, _ options: Settings, _ clock: Timekeeper, _ logger: Logger
    ) throws(ProgramFailure) -> AuditLog {
        do throws(AuditFailure) {
            return try AuditLog(
                path: path, ownedLike: options.store.path,
                report: { logger.log(.warning, $0) }, now: clock.now)
        } catch {
            throw ProgramFailure(
                description: "cannot use the audit log: \(error); "
                    + (error.isShortage
                        ? ProgramFailure.shortageAdvice
                        : "choose another file with --audit-log, or none"))
        }
    }

    private static func start(
        _ options: Settings, _ mode: IssuerSettings.Mode, at now: Milliseconds
    ) -> AuditEvent {
        var event = AuditEvent(.started, at: now)
        event.details = [
            ("version", Version.current), ("mode", mode.rawValue),
            ("store", options.written(SettingsTable.rows.store).text),
            ("process", "\(Machine.processID)"),
        ]
        event.actor = Operator.current().description
        return event
    }

    func configure(_ configuration: inout ServerConfiguration) {
        configuration.audit = log
        guard isStrict, let log else { return }
        configuration.makeAuditGate = { (loop) throws(UVError) in try AuditFace(log, loop) }
        configuration.isAuditAvailable = { log.isAvailable }
    }

    /// Nobody records any more: says that this is the end, and puts all of it on disk. Call once.
    func close() {
        log?.record(AuditEvent(.stopped, at: clock.now()))
        log?.close()
        endWatch()
    }

    func appendMetrics(to text: inout MetricsText) {
        volumes.appendMetrics(to: &text)
        guard let log else { return }
        text.counter(
            "obie_tokens_audit_events_dropped_total",
            "Audit events that could not be written; the log says so too.", log.droppedCount)
        text.counter(
            "obie_tokens_audit_file_losses_total",
            "How often the file of the audit log was found moved or removed; the log says so too.",
            log.lossCount)
    }
}
