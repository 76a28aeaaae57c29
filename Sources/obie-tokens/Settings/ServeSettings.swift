// The configuration as `serve` needs it: every value parsed, and no two in contradiction.

import Server
import System
import Tokens
import UV

struct ServeSettings: Sendable {
    var listen: SocketAddress
    var adminListen: SocketAddress
    var store: StoreChoice
    var keys: KeySource
    var mode: Mode
    /// nil: as many as there are processors.
    var loops: Int?
    var maxConnections: Int?
    var headTimeout: Int64
    var idleTimeout: Int64
    var drainDelay: Int64
    var drainTimeout: Int64
    var throttle: Bool
    var codeLifetime: Int64
    var accessTokenLifetime: TokenLifetime
    var publicURL: String?
    /// nil: none.
    var auditPath: String?
    var logLevel: Logger.Level
    var logFormat: Logger.Format
    var isAccessLogged: Bool

    init(_ configuration: Configuration) throws(ConfigurationFailure) {
        listen = try configuration.value(Settings.listen)
        adminListen = try configuration.value(Settings.adminListen)
        store = try configuration.value(Settings.store)
        keys = try configuration.given(Settings.keysFile) ?? .besideTheStore
        mode = try configuration.value(Settings.mode)
        loops = try configuration.given(Settings.loops).map { Int($0) }
        maxConnections = try configuration.given(Settings.maxConnections).map { Int($0) }
        headTimeout = try configuration.value(Settings.headTimeout)
        idleTimeout = try configuration.value(Settings.idleTimeout)
        drainDelay = try configuration.value(Settings.drainDelay)
        drainTimeout = try configuration.value(Settings.drainTimeout)
        throttle = try configuration.value(Settings.throttle)
        codeLifetime = try configuration.value(Settings.codeLifetime)
        accessTokenLifetime = try configuration.value(Settings.accessTokenLifetime)
        publicURL = try configuration.given(Settings.publicURL)
        auditPath = try configuration.given(Settings.auditLog).path(
            store, mode == .sandbox ? .sandbox : .production)
        logLevel = try configuration.value(Settings.logLevel).level
        logFormat = try configuration.value(Settings.logFormat).format
        isAccessLogged = try configuration.value(Settings.accessLog)
        if let maxConnections, let loops, maxConnections < loops {
            throw configuration.failure(
                Settings.maxConnections.info,
                "\(maxConnections) connections are fewer than \(loops) loops, and each takes a share; "
                    + "raise it, or lower loops")
        }
    }

    /// Takes over what can change while the server runs.
    mutating func take(_ fresh: ServeSettings) {
        headTimeout = fresh.headTimeout
        idleTimeout = fresh.idleTimeout
        drainDelay = fresh.drainDelay
        drainTimeout = fresh.drainTimeout
        logLevel = fresh.logLevel
        isAccessLogged = fresh.isAccessLogged
    }

    /// The limits that SIGHUP can change, among others.
    var limits: ServerLimits {
        var limits = ServerLimits()
        limits.headTimeoutMilliseconds = UInt64(headTimeout) * 1000
        limits.idleTimeoutMilliseconds = UInt64(idleTimeout) * 1000
        limits.drainDelayMilliseconds = UInt64(drainDelay) * 1000
        limits.stopTimeoutMilliseconds = UInt64(drainTimeout) * 1000
        limits.connectionsMax = maxConnections
        return limits
    }
}

enum StoreChoice: Sendable {
    case memory
    case sqlite(path: String)
}

/// Where the keys are that seal codes and tokens.
enum KeySource: Sendable {
    case besideTheStore
    case file(String)
    /// A file of this name in systemd's `$CREDENTIALS_DIRECTORY`.
    case credential(String)
}

enum AuditLogChoice: Sendable {
    case off
    case file(String)
}

extension AuditLogChoice? {
    /// The file, or nil for none.
    func path(_ store: StoreChoice, _ mode: IssuerSettings.Mode) -> String? {
        switch (self, store, mode) {
        case (.file(let path)?, _, _): path
        case (nil, .sqlite(let path), .production): "\(path).audit"
        case (.off?, _, _), (nil, .memory, _), (nil, .sqlite, .sandbox): nil
        }
    }
}

enum Mode: String, CaseIterable, Sendable {
    case sandbox, production
}

enum TokenLifetime: Sendable {
    case seconds(Int64)
    case never
}

enum LogLevel: String, CaseIterable, Sendable {
    case debug, info, warning, error

    var level: Logger.Level {
        switch self {
        case .debug: .debug
        case .info: .info
        case .warning: .warning
        case .error: .error
        }
    }
}

enum LogFormat: String, CaseIterable, Sendable {
    case auto, json, text

    var format: Logger.Format {
        switch self {
        case .auto: Terminal.isErrorShown ? .text : .json
        case .json: .json
        case .text: .text
        }
    }
}
