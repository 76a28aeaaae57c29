// Everything that can be set, in one table: --help, the sample file, the README's table and what is
// accepted all come from here.

import ArgumentParser
import Server
import System
import Tokens

/// One setting, whatever its type.
struct SettingInfo: Sendable {
    /// As in the file, and as the flag without its dashes.
    let name: String
    /// What kind of value, such as `ip:port`.
    let value: String
    /// As people read it.
    let fallback: String
    /// SIGHUP makes a new value count.
    let isReloadable: Bool
    let help: String
    /// Throws `ValidationError` for what is no value of it.
    let check: @Sendable (String) throws -> Void

    /// It could stand in the file; else it describes what happens.
    var isFallbackValue: Bool { !fallback.contains(" ") }

    var variable: String {
        SettingInfo.prefix + name.uppercased().replacing("-", with: "_")
    }
    static let prefix = "OBIE_TOKENS_"

    var flagHelp: ArgumentHelp {
        ArgumentHelp("\(help) (default: \(fallback))", valueName: value)
    }
}

/// One setting with its type.
struct Setting<Value>: Sendable {
    let info: SettingInfo
    /// Throws `ValidationError` that says what would be right.
    let parse: @Sendable (String) throws -> Value

    init(
        _ name: String, _ value: String, fallback: String, isReloadable: Bool = false,
        _ parse: @escaping @Sendable (String) throws -> Value, help: String
    ) {
        self.parse = parse
        info = SettingInfo(
            name: name, value: value, fallback: fallback, isReloadable: isReloadable, help: help,
            check: { _ = try parse($0) })
    }
}

enum Settings {
    static let listen = Setting(
        "listen", "ip:port", fallback: "127.0.0.1:8080", OptionValue.address,
        help: "Address of the public API. Port 0 takes a free one.")
    static let adminListen = Setting(
        "admin-listen", "ip:port", fallback: "127.0.0.1:9090", OptionValue.address,
        help: "Address of /livez, /readyz and /metrics.")
    static let store = Setting(
        "store", "memory|sqlite:path", fallback: "sqlite:./obie-tokens.db", OptionValue.store,
        help: "Where codes and tokens are kept: in a file, or in memory, which forgets them when "
            + "the server stops.")
    static let keysFile = Setting(
        "keys-file", "file|credential:name", fallback: "PATH.keys beside the store",
        OptionValue.keys,
        help: "The keys that seal codes and tokens, in a file of their own, made where there is "
            + "none; or one of systemd's credentials (LoadCredential=).")
    static let mode = Setting(
        "mode", "sandbox|production", fallback: "sandbox", OptionValue.choice(Mode.self),
        help: "sandbox has well-known credentials; production starts with an empty registry.")
    static let loops = Setting(
        "loops", "n", fallback: "the processors that the control group allows",
        { try OptionValue.number($0, 1...256) },
        help: "Event loops for the public API, each with a thread: 1 to 256.")
    static let maxConnections = Setting(
        "max-connections", "n", fallback: "what the limit of open files allows",
        { try OptionValue.number($0, 1...1_000_000) },
        help: "Connections of the public API at a time, shared out among its loops: 1 to 1000000; "
            + "the next waits until one closes.")
    static let headTimeout = Setting(
        "head-timeout", "seconds", fallback: "10", isReloadable: true,
        { try OptionValue.number($0, 1...3600) },
        help: "How long the head of a request may take from its first byte: 1 to 3600 seconds.")
    static let idleTimeout = Setting(
        "idle-timeout", "seconds", fallback: "60", isReloadable: true,
        { try OptionValue.number($0, 1...3600) },
        help: "How long a connection may wait for its next request: 1 to 3600 seconds.")
    static let drainDelay = Setting(
        "drain-delay", "seconds", fallback: "0", isReloadable: true,
        { try OptionValue.number($0, 0...600) },
        help: "How long to go on accepting after SIGTERM, with /readyz saying 503, so that a load "
            + "balancer can turn away first: 0 to 600 seconds.")
    static let drainTimeout = Setting(
        "drain-timeout", "seconds", fallback: "20", isReloadable: true,
        { try OptionValue.number($0, 1...3600) },
        help: "How long requests under way may take after that: 1 to 3600 seconds.")
    static let throttle = Setting(
        "throttle", "yes|no", fallback: "yes", OptionValue.truth,
        help: "Answer failures 429 once a client or an address has failed too often. What is right "
            + "is never refused.")
    static let codeLifetime = Setting(
        "code-lifetime", "seconds", fallback: "60", { try OptionValue.number($0, 1...3600) },
        help: "How long an authorization code can be exchanged: 1 to 3600 seconds.")
    static let accessTokenLifetime = Setting(
        "access-token-lifetime", "seconds|never", fallback: "31104000", OptionValue.lifetime,
        help: "How long an access token is valid: 1 to 3155760000 seconds, or never, for tokens "
            + "that do not expire.")
    static let publicURL = Setting(
        "public-url", "url", fallback: "http:// and the listen address", OptionValue.url,
        help: "What the links in errors start with, as clients see it.")
    static let auditLog = Setting(
        "audit-log", "file|none",
        fallback: "PATH.audit beside a store in production mode, else none", OptionValue.auditLog,
        help: "The file that gets a line for everything issued, refused, revoked and changed; or "
            + "none.")

    static let logLevel = Setting(
        "log-level", "debug|info|warning|error", fallback: "info", isReloadable: true,
        OptionValue.choice(LogLevel.self),
        help: "What is less important does not get into the log.")
    static let logFormat = Setting(
        "log-format", "auto|json|text", fallback: "auto", OptionValue.choice(LogFormat.self),
        help: "How lines on stderr look; auto is text on a terminal, and else JSON.")
    static let accessLog = Setting(
        "access-log", "yes|no", fallback: "no", isReloadable: true, OptionValue.truth,
        help: "Log a line for every answer.")

    /// In the order in which people read them.
    static let all: [SettingInfo] = [
        mode.info, listen.info, adminListen.info, publicURL.info, store.info, keysFile.info,
        auditLog.info, codeLifetime.info, accessTokenLifetime.info, throttle.info, loops.info,
        maxConnections.info, headTimeout.info, idleTimeout.info, drainDelay.info,
        drainTimeout.info, logLevel.info, logFormat.info, accessLog.info,
    ]

    static func named(_ name: String) -> SettingInfo? { all.first { $0.name == name } }
}
