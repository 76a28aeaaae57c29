// The registry, the servers and the keys in a real database.

import CryptoForTests
import StoreContract
import System
import Testing
import Tokens

@testable import PostgresStore

@Suite(.enabled(if: RealDatabase.url != nil)) struct PostgresRegistryTests {
    private static func node(_ name: String = "here:1") -> Node {
        var id = [UInt8](repeating: 0, count: 16)
        SystemRandom.fill(&id)
        return Node(id: id, name: name, version: "test")
    }

    static func key(_ number: UInt8) -> SealingKey {
        SealingKey { bytes in for index in bytes.indices { bytes[index] = number } }
    }

    /// The newest first.
    static func ring(_ numbers: UInt8...) -> Keyring {
        var ring = Keyring(key(numbers.last ?? 0))
        for number in numbers.dropLast().reversed() { ring = ring.adding(key(number)) }
        return ring
    }

    /// What the thread of a server does, as far as it goes without one.
    private final class Server {
        let registry: SharedRegistry
        let state: NodeState

        init(_ rig: RegistryRig, _ keyring: Keyring, name: String = "here:1") {
            state = NodeState(requiresStandby: false) { _ in }
            registry = SharedRegistry(
                rig.settings, node: PostgresRegistryTests.node(name), keyring: keyring,
                mode: .production, state: state,
                clock: Timekeeper(following: ReferenceClock()))
        }

        func look() throws { try registry.takenOver(try registry.load().version) }
    }

    @Test(arguments: RegistryContract.rules.map(\.name))
    func ruleHolds(name: String) throws {
        var rigs: [RegistryRig] = []
        let rule = try #require(RegistryContract.rules.first { $0.name == name })
        try rule.run(
            RegistryContract {
                let rig = try RegistryRig()
                rigs.append(rig)
                return (
                    Server(rig, Self.ring(1)).registry,
                    try PostgresRegistry(rig.settings, mode: .production)
                )
            })
    }

    @Test func databaseWithoutTablesIsRefusedWithWhatToDo() throws {
        let rig = try RegistryRig(migrates: false)
        let failure = try #require(throws: StoreFailure.self) {
            try PostgresRegistry(rig.settings, mode: nil)
        }
        #expect(failure.description.contains("store migrate"))
        #expect(failure.kind == .configuration)
        let server = Server(rig, Self.ring(1))
        #expect(throws: StoreFailure.self) { try server.registry.begin() }
    }

    @Test func migrationIsDoneOnceAndRefusesForeignTables() throws {
        let rig = try RegistryRig(migrates: false)
        let session = try rig.session()
        try session.script("CREATE TABLE codes (a int)")
        #expect(throws: StoreFailure.self) { try Migrations.run(rig.settings, servingRole: nil) }
        try session.script("DROP TABLE codes; CREATE TABLE meta (a int)")
        #expect(throws: StoreFailure.self) { try Migrations.run(rig.settings, servingRole: nil) }
        try session.script("DROP TABLE meta")
        let first = try Migrations.run(rig.settings, servingRole: nil)
        #expect(first == Migrations.Outcome(before: 0, after: Migrations.newestVersion))
        let second = try Migrations.run(rig.settings, servingRole: nil)
        #expect(second.before == second.after)
        #expect(throws: StoreFailure.self) {
            try Migrations.run(rig.settings, servingRole: "nobody of this \"name\"")
        }
    }

    /// Also those that a command of that version writes later.
    @Test func providersOfVersion1AreAuthorised() throws {
        let rig = try RegistryRig(migrates: false)
        let session = try rig.session()
        try session.script(Migrations.all[0])
        let meta = Meta(session)
        try meta.set(.program, SchemaCheck.program)
        for (name, value) in [
            (Meta.Name.registryVersion, 1), (.nextNumber, 3), (.schemaVersion, 1),
            (.minimumReader, 1),
        ] as [(Meta.Name, Int64)] {
            try meta.set(name, value)
        }
        try meta.set(.registryStamp, [])
        try session.script(#"INSERT INTO providers VALUES (1, '\x61', false, NULL)"#)
        let outcome = try Migrations.run(rig.settings, servingRole: nil)
        #expect(outcome == Migrations.Outcome(before: 1, after: Migrations.newestVersion))
        try session.script(#"INSERT INTO providers VALUES (2, '\x62', true, 5)"#)
        let content = try PostgresRegistry(rig.settings, mode: nil).load()
        #expect(content.providers.count == 2)
        #expect(content.providers.values.allSatisfy { $0.authorisation == .full && $0.name == nil })
    }

    /// An upgrade does not name the servers' role again.
    @Test func whoMayUseClientsMayUseTheirCertificates() throws {
        let rig = try RegistryRig(migrates: false)
        let session = try rig.session()
        try session.script(Migrations.all[0] + Migrations.all[1])
        let meta = Meta(session)
        try meta.set(.program, SchemaCheck.program)
        for name in [Meta.Name.registryVersion, .nextNumber, .schemaVersion, .minimumReader] {
            try meta.set(name, name == .schemaVersion ? 2 : 1)
        }
        try meta.set(.registryStamp, [])
        let role = "obie_certificates_test"
        try session.script("DROP ROLE IF EXISTS \(role); CREATE ROLE \(role)")
        defer { try? session.script("DROP OWNED BY \(role); DROP ROLE \(role)") }
        try session.script("GRANT SELECT, INSERT, UPDATE, DELETE ON clients TO \(role)")
        let outcome = try Migrations.run(rig.settings, servingRole: nil)
        #expect(outcome == Migrations.Outcome(before: 2, after: Migrations.newestVersion))
        for privilege in ["SELECT", "INSERT", "UPDATE", "DELETE"] {
            let row = try session.run(
                "SELECT has_table_privilege('\(role)', 'client_certificates', '\(privilege)')"
            ).first
            #expect(row?.truth(0) == true, "\(privilege)")
        }
    }

    @Test func newerTablesAreUsedWhereTheySayThatTheyCanBe() throws {
        let rig = try RegistryRig()
        let meta = Meta(try rig.session())
        try meta.set(.schemaVersion, Migrations.newestVersion + 1)
        _ = try PostgresRegistry(rig.settings, mode: nil)
        try meta.set(.minimumReader, Migrations.newestVersion + 1)
        #expect(throws: StoreFailure.self) { try PostgresRegistry(rig.settings, mode: nil) }
        #expect(throws: StoreFailure.self) { try Migrations.run(rig.settings, servingRole: nil) }
    }

    /// Whatever a first command asks: only what is done decides whose world it is.
    @Test func refusedFirstChangeSettlesNothing() throws {
        let rig = try RegistryRig()
        let command = try PostgresRegistry(rig.settings, mode: nil)
        #expect(command.isNew && command.mode == .production)
        #expect(try command.load() == RegistryContent(mode: .production))
        #expect(throws: RegistryError.self) {
            try command.update { try $0.removeProvider("nobody") }
        }
        _ = try command.update { _ in }
        let session = try rig.session()
        #expect(try PostgresRegistry.mode(session) == nil)
        // A sandbox may still come; then the command must not go on for production.
        let other = try RegistryRig()
        let late = try PostgresRegistry(other.settings, mode: nil)
        _ = try PostgresRegistry(other.settings, mode: .sandbox)
        #expect(throws: StoreFailure.self) {
            try late.update { try $0.addProvider("psp", redirectURIs: []) }
        }
        _ = try command.update { try $0.addProvider("psp", redirectURIs: []) }
        #expect(try PostgresRegistry.mode(session) == .production)
        _ = try command.update { try $0.addProvider("other", redirectURIs: []) }
        #expect(try PostgresRegistry(rig.settings, mode: .production).load().providers.count == 2)
    }

    @Test func storeThatNoServerHasUsedHasNoTimes() throws {
        let rig = try RegistryRig()
        let commands = DatabaseCommands(rig.settings)
        #expect(try commands.issueTimes() == nil)
        let server = Server(rig, Self.ring(1))
        _ = try server.registry.begin()
        #expect(try commands.issueTimes() != nil)
    }

    @Test func modeOfTheFirstUseStays() throws {
        let rig = try RegistryRig()
        let sandbox = try PostgresRegistry(rig.settings, mode: .sandbox)
        #expect(sandbox.isNew)
        #expect(try sandbox.load().institutions.keys.sorted() == ["PSDGB-FCA-111111"])
        #expect(throws: StoreFailure.self) {
            try PostgresRegistry(rig.settings, mode: .production)
        }
        #expect(try PostgresRegistry(rig.settings, mode: nil).mode == .sandbox)
        let server = Server(rig, Self.ring(1))
        #expect(throws: StoreFailure.self) { try server.registry.begin() }
    }

    @Test func commandNamesTheServerThatIsLate() throws {
        let rig = try RegistryRig()
        let (one, two) = (
            Server(rig, Self.ring(1), name: "one:1"), Server(rig, Self.ring(1), name: "two:2")
        )
        let command = try PostgresRegistry(rig.settings, mode: nil)
        #expect(try command.wait(forTakeover: 1, milliseconds: 0) == .notRunning)
        for server in [one, two] { try server.look() }
        let (_, version) = try command.update { try $0.addProvider("psp", redirectURIs: []) }
        try two.look()
        #expect(
            try command.wait(forTakeover: version, milliseconds: 40) == .isLate(on: ["one:1"]))
        one.registry.leave()
        #expect(try command.wait(forTakeover: version, milliseconds: 0) == .hasTakenOver)
    }

    /// It serves nobody by a registry that may be old.
    @Test func serverThatIsNotHeardOfIsNotWaitedForAndDoesNotServe() throws {
        let rig = try RegistryRig()
        let server = Server(rig, Self.ring(1))
        #expect(!server.state.isServing)
        _ = try server.registry.version()
        #expect(!server.state.isServing, "nothing has been loaded")
        try server.look()
        #expect(server.state.isServing && server.state.isReady)
        let command = try PostgresRegistry(rig.settings, mode: nil)
        let (_, version) = try command.update { try $0.addProvider("psp", redirectURIs: []) }
        let began = Clock.monotonicMicroseconds()
        #expect(try command.wait(forTakeover: version, milliseconds: 9000) == .notRunning)
        #expect(!server.state.isServing)
        #expect(Clock.monotonicMicroseconds() - began < 6_000_000)
        // It is there again, and what it has is old.
        _ = try server.registry.version()
        #expect(!server.state.isServing)
        #expect(
            try command.wait(forTakeover: version, milliseconds: 0) == .isLate(on: ["here:1"]))
        try server.look()
        #expect(server.state.isServing)
    }

    @Test func revokedConsentIsInTheTableOfTheStore() throws {
        let rig = try RegistryRig()
        let command = try PostgresRegistry(rig.settings, mode: nil)
        for until in [5, 9, 7] as [Milliseconds] {
            _ = try command.update {
                try $0.revokeAll(ofConsent: "'c'\u{1}é", institution: nil, now: until)
            }
        }
        let row = try rig.session().run(
            "SELECT consent, institution, revoked_until FROM revoked_consents")
        #expect(row.count == 1)
        #expect(row.first?.text(0) == "'c'\u{1}é")
        #expect(row.first?.number(1) == 0)
        #expect(row.first?.number(2) == 9)
        try command.forgetConsents(revokedBefore: 10)
        #expect(try rig.session().run("SELECT FROM revoked_consents").isEmpty)
    }

    @Test func changeThatAFailoverHasReplacedIsNoticed() throws {
        let rig = try RegistryRig()
        let server = Server(rig, Self.ring(1))
        let command = try PostgresRegistry(rig.settings, mode: nil)
        let (_, version) = try command.update { try $0.addProvider("psp", redirectURIs: []) }
        try server.look()
        #expect(try server.registry.version() == version)
        try Meta(try rig.session()).set(.registryStamp, [7])
        #expect(try server.registry.version() != version)
        try server.look()
        #expect(try server.registry.version() == version)
    }
}
