// A store for production in a folder of its own, filled by the program's own commands, as an operator
// would; and the servers on it.

import Foundation
import Glibc
import Synchronization
import Testing

/// How a command ended.
struct Outcome: Sendable {
    var arguments: [String]
    var status: Int32?
    var output: String
    var errors: String

    /// Of a command that names its store itself, if any.
    static func run(_ arguments: [String]) throws -> Outcome {
        let ended = try ChildProcess.run(ChildProcess.binary.path, arguments)
        return Outcome(
            arguments: arguments, status: ended.status, output: ended.output, errors: ended.errors)
    }

    var errorLines: [Substring] { errors.split(separator: "\n") }

    func json() throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
    }

    func jsonList() throws -> [[String: Any]] {
        try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [[String: Any]])
    }
}

final class ProductionStore: Sendable {
    let folder = NSTemporaryDirectory() + "obie-production-\(UUID().uuidString)"
    private let all = Mutex<[Outcome]>([])
    private let database: TestDatabase?

    /// Folders to be removed at the end of this process: what is shared by tests is never freed.
    private static let folders: Mutex<Set<String>> = {
        atexit { ProductionStore.removeFolders() }
        return Mutex([])
    }()

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        database = StoreUnderTest.isPostgres ? try TestDatabase(in: folder) : nil
        _ = Self.folders.withLock { $0.insert(folder) }
    }

    deinit {
        Self.remove(folder)
        _ = Self.folders.withLock { $0.remove(folder) }
    }

    private static func removeFolders() {
        for folder in folders.withLock({ $0 }) { remove(folder) }
    }

    private static func remove(_ folder: String) {
        do {
            try FileManager.default.removeItem(atPath: folder)
        } catch {
            print("left behind: \(folder): \(error)")
        }
    }

    /// Names the store, for servers and commands. Keys and audit log are `store.db.keys` and
    /// `store.db.audit` in the folder.
    var option: [String] {
        database == nil
            ? ["--store", address] : ["--config", "\(folder)/\(TestDatabase.settings)"]
    }

    /// As `--store` takes it.
    var address: String { database?.url ?? "sqlite:\(folder)/store.db" }

    /// As messages have it.
    var place: String { database?.place ?? "\(folder)/store.db" }

    /// Every command so far.
    var outcomes: [Outcome] { all.withLock { $0 } }

    @discardableResult
    func run(_ arguments: String...) throws -> Outcome {
        try run(arguments)
    }

    @discardableResult
    func run(_ arguments: [String]) throws -> Outcome {
        var outcome = try Outcome.run(arguments + option)
        outcome.arguments = arguments
        all.withLock { $0.append(outcome) }
        return outcome
    }

    /// The same for a command that must succeed, and that no server may keep waiting.
    @discardableResult
    func command(
        _ arguments: String..., here: SourceLocation = #_sourceLocation
    ) throws -> Outcome {
        let outcome = try run(arguments)
        #expect(outcome.status == 0, "\(arguments): \(outcome.errors)", sourceLocation: here)
        #expect(!outcome.errors.contains("warning"), "\(outcome.errors)", sourceLocation: here)
        return outcome
    }

    /// Adds an institution; its client and the client's secret.
    func addInstitution(
        _ reference: String, client: String? = nil, here: SourceLocation = #_sourceLocation
    ) throws -> (clientID: String, secret: String?) {
        let option = client.map { ["--client", $0] } ?? []
        let outcome = try run(["fi", "add", reference, "--json"] + option)
        try #require(outcome.status == 0, "\(outcome.errors)", sourceLocation: here)
        #expect(!outcome.errors.contains("warning"), "\(outcome.errors)", sourceLocation: here)
        let record = try outcome.json()
        let id = try #require(record["client_id"] as? String, sourceLocation: here)
        return (id, record["client_secret"] as? String)
    }

    func serve(_ options: String...) throws -> ServerProcess {
        try ServerProcess(["--mode", "production", "--loops", "2"] + option + options)
    }

    /// All that is registered, to be compared with what it is later.
    func registered() throws -> [UInt8] {
        try database?.registered() ?? #require(try files()["store.db.registry"])
    }

    /// The bytes of every file in the folder, by name.
    func files() throws -> [String: [UInt8]] {
        let manager = FileManager.default
        var files: [String: [UInt8]] = [:]
        for name in try manager.subpathsOfDirectory(atPath: folder) {
            files[name] = Array(try #require(manager.contents(atPath: "\(folder)/\(name)")))
        }
        return files
    }
}

/// A running server in production mode with an institution and a provider.
final class ProductionServer: Sendable {
    static let first = "PSDGB-FCA-100001"
    static let second = "PSDGB-FCA-100002"
    static let provider = "PSDGB-FCA-200001"
    static let otherProvider = "PSDGB-FCA-200002"
    static let redirectURI = "https://one.example/callback"
    static let otherRedirectURI = "https://one.example/other?a=b"

    let store: ProductionStore
    private let running: Mutex<ServerProcess>
    /// Its client's id is its reference.
    let bank: Bank

    var process: ServerProcess { running.withLock { $0 } }

    init(_ options: String...) throws {
        store = try ProductionStore()
        let (clientID, secret) = try store.addInstitution(Self.first)
        try store.command(
            "psp", "add", Self.provider, "--redirect-uri", Self.redirectURI, "--redirect-uri",
            Self.otherRedirectURI)
        let server = try ServerProcess(
            // With all that it could ever say about what it is asked: some tests look for secrets.
            ["--mode", "production", "--loops", "2", "--access-log", "--log-level", "debug"]
                + store.option + options)
        running = Mutex(server)
        var bank = Bank(
            server: server, clientID: clientID, secret: try #require(secret),
            institution: Self.first, provider: Self.provider, redirectURI: Self.redirectURI)
        try bank.renewCCGToken()
        self.bank = bank
    }

    deinit { process.program.stop(SIGTERM) }

    /// Another institution, about the same provider.
    func addBank(_ reference: String, client: String? = nil) throws -> Bank {
        var other = bank
        let (id, secret) = try store.addInstitution(reference, client: client)
        other.server = process
        (other.clientID, other.secret, other.institution) = (id, secret ?? "", reference)
        if secret != nil { try other.renewCCGToken() }
        return other
    }

    /// Ends the server and starts another one; the bank that asks that one.
    func restart() throws -> Bank {
        let old = process
        #expect(old.program.stop(SIGTERM) == 0)
        let new = try store.serve()
        running.withLock { $0 = new }
        var bank = bank
        bank.server = new
        return bank
    }
}

extension Bank {
    /// A CCG token for the provider, as production gives it.
    func newCCGToken(here: SourceLocation = #_sourceLocation) throws -> String {
        let response = try server.answer(to: clientCredentials(psp: Call.json(provider)))
        try expectToken(response, expiresIn: 3600, here)
        return try #require(try response.data()["access_token"] as? String, sourceLocation: here)
    }

    mutating func renewCCGToken() throws {
        ccgToken = try newCCGToken()
    }

    /// The same institution with a CCG token for another provider.
    func about(_ provider: String, redirectURI: String) throws -> Bank {
        var other = self
        (other.provider, other.redirectURI) = (provider, redirectURI)
        try other.renewCCGToken()
        return other
    }
}
