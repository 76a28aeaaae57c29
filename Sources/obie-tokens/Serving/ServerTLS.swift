// The certificates of a running server: its listeners' and whose it trusts, and how new ones get in.

import Certificates
import Metrics
import Server
import Synchronization
import System
import TLS
import Tokens

/// Made before anything is opened; the main thread.
final class ServerTLS {
    private let settings: Settings
    private let listeners: [(listener: TLSListener, endpoint: TLSEndpoint)]
    private let clock: Timekeeper
    private let logger: Logger
    /// Verifies certificates for all loops.
    private let reader: X509Reader
    private let forwarded = ForwardedLists()
    private var reloadFailures = 0

    /// What ends sooner is told of, in milliseconds. Revocation lists come every week or every day.
    private static let certificateSoon: Int64 = 14 * 86_400_000
    private static let listSoon: Int64 = 86_400_000

    /// Reads all files.
    ///
    /// - Throws: 78, with what to do.
    init(
        _ settings: Settings, _ clock: Timekeeper, _ logger: Logger
    ) throws(ProgramFailure) {
        (self.settings, self.clock, self.logger) = (settings, clock, logger)
        var listeners: [(TLSListener, TLSEndpoint)] = []
        let trusted = try settings.certificateAuthorities()
        let lists = try TLSFiles(settings, .open).forwardedLists(now: clock.now())
        for listener in TLSListener.all {
            guard let context = try TLSFiles(settings, listener).context(now: clock.now()) else {
                continue
            }
            listeners.append(
                (listener, TLSEndpoint(context, prefix: listener.prefix, now: clock.now)))
        }
        self.listeners = listeners
        forwarded.lists = lists
        let open = listeners.first { $0.0.name == TLSListener.open.name }?.1
        reader = X509Reader(
            providers: trusted.providers, clients: trusted.clients,
            revoked: { [forwarded] in
                forwarded.lists?.name($0) ?? open?.context.isRevoked($0) ?? false
            })
    }

    /// What the server is to do about certificates.
    var policy: CertificatePolicy {
        CertificatePolicy(reader: reader, requiresHolder: settings.requireCNF)
    }

    private var hasFiles: Bool {
        !listeners.isEmpty || forwarded.lists != nil || reader.trusts(.providers)
            || reader.trusts(.clients)
    }

    /// What a listener talks with; nil: it does not speak TLS.
    func endpoint(_ name: TLSListener) -> TLSEndpoint? {
        listeners.first { $0.listener.name == name.name }?.endpoint
    }

    /// After SIGHUP: reads all files again. New connections get what is in them, open ones go on; and the
    /// next certificate that is passed on is judged by them. Where anything is wrong with any of them,
    /// everything stays as it was, and one line says why.
    func reload() -> Reload.Files {
        guard hasFiles else { return .none }
        let now = clock.now()
        var warnings: [String] = []
        do throws(ProgramFailure) {
            let trusted = try settings.certificateAuthorities()
            let lists = try TLSFiles(settings, .open).forwardedLists(now: now)
            warnings += stepsBack(.open, from: forwarded.lists?.all, to: lists?.all)
            var fresh: [(TLSEndpoint, TLSContext)] = []
            for (listener, endpoint) in listeners {
                guard let context = try TLSFiles(settings, listener).context(now: now) else {
                    continue
                }
                fresh.append((endpoint, context))
                warnings += stepsBack(
                    listener, from: endpoint.context.revocationLists, to: context.revocationLists)
            }
            forwarded.lists = lists
            for (endpoint, context) in fresh { endpoint.replace(with: context) }
            reader.trust(providers: trusted.providers, clients: trusted.clients)
        } catch {
            reloadFailures += 1
            logger.log(.error, "the certificates of before stay in use: \(error)")
            return .refused
        }
        logger.log(.info, "certificates, keys, CAs and revocation lists were read again")
        for line in warnings + endings { logger.log(.warning, line) }
        return .taken
    }

    /// A list that is older than the one before it does not know who was revoked in between.
    private func stepsBack(
        _ listener: TLSListener, from before: [RevocationList]?, to after: [RevocationList]?
    ) -> [String] {
        let setting = listener.setting(.clientCRL)
        return RevocationList.stepsBack(from: before ?? [], to: after ?? [])
            .map { old, new in
                "the revocation list of \(new.issuer) in \(settings.written(setting).text) "
                    + "(\(setting.name)) is of \(Timestamp.text(new.made)), and the one before it "
                    + (old.made == new.made
                        ? "of the same moment has a higher number"
                        : "of \(Timestamp.text(old.made))")
                    + ": it is in force now, and whoever was revoked in between is let in again; put the "
                    + "newest list in its place and send SIGHUP"
            }
    }

    /// What is not as an operator may think that it is.
    var notices: [String] {
        TLSListener.all.compactMap { settings.idle($0) } + endings
    }

    /// What ends soon.
    private var endings: [String] {
        let renew = "put a new one in its place"
        let ends = listeners.flatMap { listener, endpoint in
            let context = endpoint.context
            return [
                ending(
                    listener.setting(.certificate), "certificate", context.expiry,
                    ServerTLS.certificateSoon, renew),
                ending(
                    listener.setting(.clientCA), "CA", context.authorityExpiry,
                    ServerTLS.certificateSoon, renew + ", or take it out where it is not needed,"),
                ending(
                    listener.setting(.clientCRL), "revocation list", context.revocationExpiry,
                    ServerTLS.listSoon, renew),
            ]
        }
        let listEnd = ending(
            TLSListener.open.setting(.clientCRL), "revocation list", forwarded.lists?.expiry,
            ServerTLS.listSoon, renew)
        return (ends + [listEnd]).compactMap { $0 }
    }

    private func ending(
        _ setting: any AnySetting, _ noun: String, _ end: Int64?, _ soon: Int64, _ advice: String
    ) -> String? {
        let now = clock.now()
        guard let end, end - now < soon else { return nil }
        let name = settings.written(setting).text
        // systemd reads a credential's file once, when it starts the unit.
        let then = name.hasPrefix("credential:") ? "restart the unit" : "send SIGHUP"
        return
            "a \(noun) in \(name) \(end <= now ? "ended" : "ends") on \(Timestamp.text(end)): \(advice) "
            + "and \(then)"
    }

    func appendMetrics(to text: inout MetricsText) {
        guard hasFiles else { return }
        if !listeners.isEmpty {
            TLSEndpoint.appendMetrics(listeners.map { ($0.listener.name, $0.endpoint) }, to: &text)
        }
        text.counter(
            "obie_tokens_tls_reload_failures_total",
            "How often SIGHUP found new certificates that were wrong; the log says why.",
            reloadFailures)
    }
}

/// The lists for clients that a proxy passes on. The main thread sets them, any may read.
private final class ForwardedLists: Sendable {
    private let current = Mutex<ClientLists?>(nil)

    var lists: ClientLists? {
        get { current.withLock { $0 } }
        set { current.withLock { $0 = newValue } }
    }
}
