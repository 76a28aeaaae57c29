// The wiring: which store, which registry, which server. The only place that names them together.

import Server
import Tokens
import UV

/// A started server with everything it stands on.
struct Program {
    private let server: Server

    /// - Throws: `StartFailure`.
    init(_ options: Options) throws(StartFailure) {
        var settings = IssuerSettings()
        settings.mode = options.mode == .sandbox ? .sandbox : .production
        settings.codeLifetime = options.codeLifetime * 1000
        settings.tokenLifetime =
            switch options.accessTokenLifetime {
            case .seconds(let seconds): seconds * 1000
            case .never: nil
            }
        let registry: Registry =
            switch settings.mode {
            case .sandbox: .sandbox
            case .production: .empty
            }
        var configuration = ServerConfiguration(
            listen: options.listen, adminListen: options.adminListen,
            loops: options.loops.map { Int($0) } ?? Machine.availableProcessors)
        configuration.publicURL = options.publicURL
        let store = MemoryStore(
            codeLifetime: settings.codeLifetime, tokenLifetime: settings.tokenLifetime)
        let key = SealingKey(random: SystemRandom.fill)
        server = try Server(configuration, store: store) { [settings] in
            TokenIssuer(
                registry: registry, settings: settings, store: store, key: key,
                random: RandomPool(fill: SystemRandom.fill))
        }
        if settings.mode == .sandbox {
            Program.log(
                "SANDBOX: this sandbox takes well-known credentials; never expose it. "
                    + "Use --mode production for a real one.")
        }
        Program.log(
            "listening on http://\(server.address), probes on http://\(server.adminAddress), "
                + "\(configuration.loops) event loop\(configuration.loops == 1 ? "" : "s")")
    }

    /// Serves until it is told to stop.
    func run() {
        server.run()
        Program.log("stopped")
    }

    /// One line on stderr. Never a secret.
    static func log(_ line: String) {
        Log.line("obie-tokens: \(line)")
    }
}
