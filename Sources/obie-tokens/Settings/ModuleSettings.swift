// What the other modules are given of the settings. Nobody else translates them.

import Server
import System
import Tokens
import UV

extension IssuerSettings {
    init(_ settings: Settings) {
        self.init()
        mode = settings.mode
        codeLifetime = settings.codeLifetime * 1000
        tokenLifetime = settings.accessTokenLifetime.map { $0 * 1000 }
        introspectionExpMax = settings.introspectionExpMax.map { $0 * 1000 }
        isAudited = settings.auditPath(mode) != nil
    }
}

extension ServerConfiguration {
    init(_ settings: Settings) {
        self.init(
            listen: settings.listen, adminListen: settings.adminListen,
            loops: settings.loops ?? Machine.availableProcessors)
        publicURL = settings.publicURL
        trustedProxies = settings.trustedProxies
        trustedProxies.header = settings.clientAddressHeader
        trustedProxies.certificateField = settings.clientCertificateHeader
        limits = ServerLimits(settings)
        throttle = settings.throttle ? FailureThrottle(random: SystemRandom.fill) : nil
    }
}

extension ServerLimits {
    init(_ settings: Settings) {
        self.init()
        headTimeoutMilliseconds = UInt64(settings.headTimeout) * 1000
        idleTimeoutMilliseconds = UInt64(settings.idleTimeout) * 1000
        drainDelayMilliseconds = UInt64(settings.drainDelay) * 1000
        stopTimeoutMilliseconds = UInt64(settings.drainTimeout) * 1000
        connectionsMax = settings.maxConnections
    }
}

extension Settings {
    /// The store that was chosen, reached as the other settings say.
    var chosenStore: any StoreChoice {
        self.store.reached(
            by: StoreAccess(
                password: self.storePasswordFile,
                timeoutMilliseconds: Int(self.storeTimeout) * 1000,
                requiresStandby: self.requireStandby,
                name: "\(Machine.hostName):\(self.listen.port)"))
    }

    /// What people are told of an address that they have set, and that does not count since the service
    /// manager has handed over sockets.
    func overridden(by sockets: ActivatedSockets) -> [String] {
        let rows = SettingsTable.rows
        let addresses: [(any AnySetting, SocketAddress, String)] = [
            (rows.listen, self.listen, "http"),
            (rows.adminListen, self.adminListen, "admin"),
        ]
        return addresses.compactMap { setting, address, name in
            let bound = sockets.descriptors(name).compactMap { SocketAddress(boundOf: $0) }
            guard written(setting).origin != .fallback, !bound.isEmpty,
                !bound.contains(where: { $0.description == address.description })
            else { return nil }
            return
                "\(place(of: setting)) is \(address), and does not count: the service manager has "
                + "handed over a socket on \(bound[0]). Change ListenStream= of its .socket unit, or "
                + "take the setting away"
        }
    }

    /// Why there is no audit log where there has to be one; nil where all is well.
    ///
    /// - Parameter mode: of the store, which commands find in its registry.
    func missingAuditLog(_ mode: IssuerSettings.Mode) -> ProgramFailure? {
        guard self.store.isShared, mode == .production, case .byMode = self.auditLog else {
            return nil
        }
        return failure(
            SettingsTable.rows.auditLog,
            "nothing lies beside a store in a database: name a file of this machine, or write none")
    }

    /// The file of the audit log, or nil for none.
    ///
    /// - Parameter mode: of the store, which commands find in its registry.
    func auditPath(_ mode: IssuerSettings.Mode) -> String? {
        switch (self.auditLog, mode) {
        case (.file(let path), _): path
        case (.byMode, .production): self.store.path.map { "\($0).audit" }
        case (.off, _), (.byMode, .sandbox): nil
        }
    }
}
