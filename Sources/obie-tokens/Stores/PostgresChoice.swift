// The store in a PostgreSQL database that several servers share. The only file that names it, with
// PostgresCommands for what commands do.

import Crypto
import Metrics
import PostgresStore
import Reports
import Server
import System
import Tokens
import UV

struct PostgresChoice: StoreChoice {
    let url: StoreURL
    private let access: StoreAccess?

    static let kind = StoreKind(
        name: "postgres", form: "postgres://user@host:port,…/database",
        advice: "postgres:// and a user, hosts and a database such as postgres://obie@db1,db2/obie"
    ) { (text) throws(StoreFailure) in
        do throws(StoreURL.Failure) {
            return try StoreURL(text).map { PostgresChoice(url: $0, access: nil) }
        } catch {
            throw StoreFailure(error.description, .configuration)
        }
    }

    private init(url: StoreURL, access: StoreAccess?) {
        self.url = url
        self.access = access
    }

    var path: String? { nil }
    var isShared: Bool { true }
    var place: String { "the database \(url.place)" }

    func reached(by access: StoreAccess) -> any StoreChoice {
        PostgresChoice(url: url, access: access)
    }

    var administration: Result<any StoreAdministration, StoreFailure> {
        do throws(StoreFailure) {
            return .success(PostgresCommands(try settings(for: "command")))
        } catch {
            return .failure(error)
        }
    }

    /// How to connect. Reads the password.
    ///
    /// - Parameter purpose: what the database lists the connection as.
    func settings(for purpose: String) throws(StoreFailure) -> ConnectionSettings {
        let source: PasswordSource =
            switch access?.password {
            case nil: .library
            case .file(let path): .file(path)
            case .credential(let name): .credential(name)
            }
        return try ConnectionSettings(url, source, name: "obie-tokens \(purpose)")
    }

    func open(
        _ keys: KeySource, _ settings: IssuerSettings, _ clock: Timekeeper,
        report: @escaping @Sendable (String) -> Void, onLoss: @escaping @Sendable () -> Void
    ) throws(ProgramFailure) -> any OpenedStore {
        guard let access else { preconditionFailure("a server says how its store is reached") }
        let keyring = try KeyFile.shared(keys, store: place)
        do throws(StoreFailure) {
            return try OpenedPostgres(
                try self.settings(for: "server"), access, keyring, settings, clock, report)
        } catch {
            throw ProgramFailure(error)
        }
    }
}

private final class OpenedPostgres: OpenedStore {
    let name = "postgres"
    let keyring: Keyring
    let isOpen: Bool
    private let database: PostgresDatabase
    private let registryOfAll: SharedRegistry
    private let state: NodeState
    private let watch: RegistryWatcher.Watch
    let reports: (any ReportStore)?
    let serverName: String
    let silence: @Sendable () -> Milliseconds?

    init(
        _ settings: ConnectionSettings, _ access: StoreAccess, _ keyring: Keyring,
        _ issuer: IssuerSettings, _ clock: Timekeeper,
        _ report: @escaping @Sendable (String) -> Void
    ) throws(StoreFailure) {
        self.keyring = keyring
        let state = NodeState(requiresStandby: access.requiresStandby, report: report)
        self.state = state
        registryOfAll = SharedRegistry(
            settings,
            node: Node(id: OpenedPostgres.id(), name: access.name, version: Version.current),
            keyring: keyring, mode: issuer.mode, state: state, clock: clock)
        let reason = try registryOfAll.begin()
        isOpen = reason == nil
        if let reason { report("\(reason); requests get 503 until it can be reached") }
        // A row of its own: what it writes there may wait for the standby.
        database = try PostgresDatabase(
            hosts: settings.hosts, nodeID: OpenedPostgres.id(),
            timeoutMilliseconds: access.timeoutMilliseconds,
            keptTokens: issuer.expiredTokenMemory, report: report)
        reports = PostgresReports(settings)
        serverName = access.name
        silence = { [silence = database.silence] in
            let milliseconds = silence()
            return milliseconds ?? (state.isServing ? nil : 0)
        }
        do {
            watch = try RegistryWatcher.watchShared(
                registryOfAll, OpenSSL(), isReachable: isOpen, now: clock.now, report: report)
        } catch {
            registryOfAll.leave()
            database.close()
            throw error as? StoreFailure
                ?? StoreFailure(
                    "cannot watch the registry: \(error); \(ProgramFailure.shortageAdvice)")
        }
    }

    private static func id() -> [UInt8] {
        var id = [UInt8](repeating: 0, count: 16)
        SystemRandom.fill(&id)
        return id
    }

    var registry: RegistryFeed { watch.feed }
    /// The time has begun with what the database said.
    var newestTime: Milliseconds? { nil }
    var isServing: (@Sendable () -> Bool)? { { [state] in state.isServing } }
    var isReady: Bool { state.isReady }

    /// Each machine has files of its own, and commands may run on another.
    func note(_ settings: [String: String]) {}

    func face(_ loop: EventLoop) throws(UVError) -> any TokenStore { try database.face(loop) }

    func isStuck(longerThan milliseconds: UInt64) -> Bool {
        database.isStuck(longerThan: milliseconds)
    }

    func appendMetrics(to text: inout MetricsText) {
        database.appendMetrics(to: &text)
        state.appendMetrics(to: &text)
    }

    var summary: String? { database.summary }

    func close() {
        // Nobody seals any more.
        database.close()
        watch.stop()
        registryOfAll.leave()
    }
}
