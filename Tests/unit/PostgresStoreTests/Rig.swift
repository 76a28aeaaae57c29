// Stores in a schema of their own, with faces on loops that a test turns.

import Foundation
import StoreContract
import Synchronization
import Testing
import Tokens
import UV

@testable import PostgresStore

final class Rig {
    let schema = "t_" + UUID().uuidString.replacing("-", with: "").lowercased()
    let session: TestSession
    private(set) var databases: [PostgresDatabase] = []
    private(set) var faces: [any TokenStore] = []
    private var loops: [EventLoop] = []
    let lines = Lines()

    final class Lines: Sendable {
        private let all = Mutex<[String]>([])
        func add(_ line: String) { all.withLock { $0.append(line) } }
        var texts: [String] { all.withLock { $0 } }
    }

    static let nodes = """
        CREATE TABLE nodes (id bytea PRIMARY KEY, name bytea, seen_at bigint NOT NULL,
            registry_version bigint, keys bytea, version bytea, time_ahead bigint);
        """

    /// - Parameters:
    ///   - faces: of each store.
    ///   - stores: as if on as many machines.
    init(faces: Int = 1, stores: Int = 1, timeoutMilliseconds: Int = 5000) throws {
        session = try TestSession()
        try session.run(
            """
            CREATE SCHEMA \(schema); SET search_path = \(schema);
            \(TokenTables.sql) \(TokenTables.attempts) \(TokenTables.holders) \(Rig.nodes)
            """)
        for _ in 0..<stores {
            let database = try open(timeoutMilliseconds: timeoutMilliseconds)
            for _ in 0..<faces {
                let loop = try EventLoop()
                loops.append(loop)
                self.faces.append(try database.face(loop))
            }
        }
        for _ in 0..<100_000 where !databases.allSatisfy(\.isAvailable) { wait() }
        let isReady = databases.allSatisfy(\.isAvailable)
        #expect(isReady, "\(lines.texts)")
    }

    func open(timeoutMilliseconds: Int = 5000) throws -> PostgresDatabase {
        let database = try PostgresDatabase(
            hosts: [try TestDatabase.keywords(schema: schema)],
            nodeID: Array(UUID().uuidString.utf8), timeoutMilliseconds: timeoutMilliseconds
        ) { [lines] in lines.add($0) }
        databases.append(database)
        return database
    }

    func close() throws {
        for face in faces { face.close() }
        faces = []
        for loop in loops { loop.run() }
        for database in databases { database.close() }
        databases = []
        try session.run("DROP SCHEMA IF EXISTS \(schema) CASCADE")
    }

    deinit {
        do { try close() } catch { Issue.record(error) }
    }

    func wait() {
        for loop in loops { loop.runOnce() }
        usleep(50)
    }

    /// Waits until it is so, for ten seconds at the most.
    func wait(_ what: String, until isSo: () throws -> Bool) throws {
        let end = ContinuousClock.now + .seconds(10)
        while ContinuousClock.now < end {
            if try isSo() { return }
            wait()
        }
        Issue.record("\(what) has not come to pass; \(lines.texts)")
    }

    func answer<Value>(
        _ face: Int = 0,
        _ ask: (any TokenStore, @escaping (Result<Value, StoreError>) -> Void) -> Void
    ) throws -> Result<Value, StoreError> {
        var result: Result<Value, StoreError>?
        ask(faces[face]) { result = $0 }
        try wait("an answer") { result != nil }
        return try #require(result)
    }

    static let start: Milliseconds = 1_700_000_000_000

    static func code(
        _ number: UInt64, consent: String? = nil, state: String? = "s",
        at time: Milliseconds = start
    ) -> AuthorizationCode {
        AuthorizationCode(
            id: Identifier(issuedAt: time, randomHigh: 1, randomLow: number),
            institution: Institution.ID(1), provider: Provider.ID(1),
            redirectURI: Provider.RedirectURI.ID(1), scope: .accounts,
            consent: Consent(id: consent ?? "c\(number)", accountID: "a"), state: state,
            expiresAt: time + StoreContract.lifetime)
    }

    static func attempt(_ code: AuthorizationCode, token: UInt64) -> Redemption {
        Redemption(
            code: code.id, institution: code.institution, provider: code.provider,
            redirectURI: code.redirectURI, now: code.id.issuedAt,
            token: Identifier(issuedAt: code.id.issuedAt + 5, randomHigh: 2, randomLow: token),
            tokenExpiresAt: nil, authorisation: .full)
    }

    func insert(_ codes: [AuthorizationCode]) throws {
        var stored = 0
        for code in codes {
            faces[0].insert(code) { if case .success = $0 { stored += 1 } }
        }
        try wait("\(codes.count) codes") { stored == codes.count }
    }

    func redeem(
        _ code: AuthorizationCode, token: UInt64, face: Int = 0
    ) throws -> Result<RedemptionOutcome, StoreError> {
        try answer(face) { $0.redeem(Rig.attempt(code, token: token), completion: $1) }
    }

    func token(_ attempt: Redemption, face: Int = 0) throws -> AccessToken? {
        let found: Result<AccessToken?, StoreError> = try answer(face) {
            $0.token(attempt.token, now: attempt.now, completion: $1)
        }
        return try found.get()
    }

    /// Of the stores' connections, as the server has them.
    var processes: [Int] {
        get throws {
            try session.run(
                "SELECT pid FROM pg_stat_activity WHERE application_name = '\(schema)'"
            ).compactMap { $0.first.flatMap { Int($0) } }
        }
    }
}

/// A number that a failure can be repeated with: `OBIE_TOKENS_SEED=…`.
func seed() -> UInt64 {
    let given = ProcessInfo.processInfo.environment["OBIE_TOKENS_SEED"].flatMap { UInt64($0) }
    let seed = given ?? UInt64.random(in: 0..<1_000_000)
    print("seed \(seed)")
    return seed
}

/// SplitMix64.
struct Seeded: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }
}
