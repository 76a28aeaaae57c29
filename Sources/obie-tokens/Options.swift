// Every option of `serve`, with its default, what it does, and what it takes.

import ArgumentParser
import Tokens
import UV

struct Options: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Address of the public API. Port 0 takes a free one. (default: 127.0.0.1:8080)",
            valueName: "ip:port"),
        transform: OptionValue.address)
    var listen = OptionValue.defaultListen

    @Option(
        help: ArgumentHelp(
            "Address of the probes /livez and /readyz. (default: 127.0.0.1:9090)",
            valueName: "ip:port"),
        transform: OptionValue.address)
    var adminListen = OptionValue.defaultAdminListen

    @Option(
        help: ArgumentHelp(
            "Where codes and tokens are kept: in a file, with its keys in PATH.keys, or in memory, "
                + "which forgets them when the server stops. (default: \(OptionValue.defaultStore))",
            valueName: "memory|sqlite:path"),
        transform: OptionValue.store)
    var store = StoreChoice.sqlite(path: OptionValue.defaultPath)

    @Option(
        help: ArgumentHelp(
            "Event loops for the public API, each with a thread: 1 to 256. "
                + "(default: the processors that the control group allows)", valueName: "n"),
        transform: { try OptionValue.number($0, 1...256) })
    var loops: Int64?

    @Option(
        help: ArgumentHelp(
            "Connections of the public API at a time, shared out among its loops: 1 to 1000000; the "
                + "next waits until one closes. (default: what the limit of open files allows)",
            valueName: "n"),
        transform: { try OptionValue.number($0, 1...1_000_000) })
    var maxConnections: Int64?

    @Option(
        help: ArgumentHelp(
            "How long the head of a request may take from its first byte: 1 to 3600 seconds. "
                + "(default: 10)", valueName: "seconds"),
        transform: { try OptionValue.number($0, 1...3600) })
    var headTimeout: Int64 = 10

    @Option(
        help: ArgumentHelp(
            "How long a connection may wait for its next request: 1 to 3600 seconds. "
                + "(default: 60)", valueName: "seconds"),
        transform: { try OptionValue.number($0, 1...3600) })
    var idleTimeout: Int64 = 60

    @Option(
        help: ArgumentHelp(
            "How long to go on accepting after SIGTERM, with /readyz saying 503, so that a load "
                + "balancer can turn away first: 0 to 600 seconds. (default: 0)",
            valueName: "seconds"),
        transform: { try OptionValue.number($0, 0...600) })
    var drainDelay: Int64 = 0

    @Option(
        help: ArgumentHelp(
            "How long requests under way may take after that: 1 to 3600 seconds. (default: 20)",
            valueName: "seconds"),
        transform: { try OptionValue.number($0, 1...3600) })
    var drainTimeout: Int64 = 20

    @Option(
        help: "sandbox has well-known credentials; production starts with an empty registry.")
    var mode = Mode.sandbox

    @OptionGroup var audit: AuditLogOption

    @Flag(
        inversion: .prefixedNo,
        help: ArgumentHelp(
            "Answer failures 429 once a client or an address has failed too often. What is right "
                + "is never refused."))
    var throttle = true

    @Option(
        help: ArgumentHelp(
            "How long an authorization code can be exchanged: 1 to 3600 seconds. (default: 60)",
            valueName: "seconds"),
        transform: { try OptionValue.number($0, 1...3600) })
    var codeLifetime: Int64 = 60

    @Option(
        help: ArgumentHelp(
            "How long an access token is valid: 1 to 3155760000 seconds, or never, for tokens "
                + "that do not expire. (default: 31104000)", valueName: "seconds|never"),
        transform: OptionValue.lifetime)
    var accessTokenLifetime = TokenLifetime.seconds(31_104_000)

    @Option(
        help: ArgumentHelp(
            "What the links in errors start with, as clients see it. "
                + "(default: http:// and the listen address)", valueName: "url"),
        transform: OptionValue.url)
    var publicURL: String?

    func validate() throws {
        if let maxConnections, let loops, maxConnections < loops {
            throw ValidationError("--max-connections must be at least --loops: each takes a share")
        }
    }
}

enum StoreChoice {
    case memory
    case sqlite(path: String)
}

/// Where the audit log is.
struct AuditLogOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The file that gets a line for everything issued, refused, revoked and changed; or "
                + "none. (default: PATH.audit beside a store in production mode, else none)",
            valueName: "file|none"),
        transform: OptionValue.auditLog)
    var auditLog: AuditLogChoice?

    /// The file, or nil for none.
    func path(_ store: StoreChoice, _ mode: IssuerSettings.Mode) -> String? {
        switch (auditLog, store, mode) {
        case (.file(let path)?, _, _): path
        case (nil, .sqlite(let path), .production): "\(path).audit"
        case (.off?, _, _), (nil, .memory, _), (nil, .sqlite, .sandbox): nil
        }
    }
}

enum AuditLogChoice {
    case off
    case file(String)
}

enum Mode: String, ExpressibleByArgument, CaseIterable {
    case sandbox, production
}

enum TokenLifetime: CustomStringConvertible {
    case seconds(Int64)
    case never

    var description: String {
        switch self {
        case .seconds(let seconds): "\(seconds)"
        case .never: "never"
        }
    }
}

/// From words to values; each refusal says what would be right.
enum OptionValue {
    static let defaultPath = "./obie-tokens.db"
    static let defaultStore = "sqlite:\(defaultPath)"
    static let defaultListen = constant("127.0.0.1:8080")
    static let defaultAdminListen = constant("127.0.0.1:9090")

    private static func constant(_ text: String) -> SocketAddress {
        do {
            return try SocketAddress(text)
        } catch {
            preconditionFailure("the default addresses are addresses")
        }
    }

    static func address(_ text: String) throws -> SocketAddress {
        do {
            return try SocketAddress(text)
        } catch {
            throw ValidationError(error.description)
        }
    }

    static func store(_ text: String) throws -> StoreChoice {
        if text == "memory" { return .memory }
        let prefix = "sqlite:"
        guard text.hasPrefix(prefix), text.count > prefix.count else {
            throw ValidationError(
                "'\(text)' is not a store; write memory, or sqlite: and a path such as "
                    + "sqlite:./obie-tokens.db")
        }
        return .sqlite(path: String(text.dropFirst(prefix.count)))
    }

    static func auditLog(_ text: String) throws -> AuditLogChoice {
        if text == "none" { return .off }
        guard !text.isEmpty else {
            throw ValidationError("write the path of a file, or none")
        }
        return .file(text)
    }

    static func number(_ text: String, _ range: ClosedRange<Int64>) throws -> Int64 {
        guard let number = Int64(text), range.contains(number) else {
            throw ValidationError(
                "'\(text)' is not a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    static func lifetime(_ text: String) throws -> TokenLifetime {
        text == "never" ? .never : .seconds(try number(text, 1...3_155_760_000))
    }

    /// Without a trailing slash.
    static func url(_ text: String) throws -> String {
        guard ["http://", "https://"].contains(where: { text.hasPrefix($0) }),
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            !text.contains("#"), !text.contains("?"), !text.contains("\"")
        else {
            throw ValidationError(
                "'\(text)' is not a URL to put a path behind, such as https://tokens.example")
        }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }
}
