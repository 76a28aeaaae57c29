// What goes wrong around a shared registry, and what people are told of it: rows that somebody removes, servers
// that hang, locks, copies that are put back.

import Metrics
import System
import Testing
import Tokens

@testable import PostgresStore

@Suite(.enabled(if: RealDatabase.url != nil)) struct RegistryTroubleTests {
    /// What the thread of a server does, as far as it goes without one.
    private final class Server {
        let registry: SharedRegistry
        let state: NodeState
        let lines = Rig.Lines()

        init(_ rig: RegistryRig, name: String = "here:1") throws {
            var id = [UInt8](repeating: 0, count: 16)
            SystemRandom.fill(&id)
            state = NodeState(requiresStandby: false) { [lines] in lines.add($0) }
            registry = SharedRegistry(
                rig.settings, node: Node(id: id, name: name, version: "test"),
                keyring: PostgresRegistryTests.ring(1), mode: .production, state: state,
                clock: Timekeeper(following: ReferenceClock()))
            try look()
        }

        func look() throws { try registry.takenOver(try registry.load().version) }
    }

    private let rig: RegistryRig
    private let command: PostgresRegistry

    init() throws {
        rig = try RegistryRig()
        command = try PostgresRegistry(rig.settings, mode: nil)
    }

    private func change(_ name: String = "psp") throws -> Int64 {
        try command.update { try $0.addProvider(name, redirectURIs: []) }.version
    }

    @Test func serverWhoseRowIsRemovedIsWaitedForAndPutsItBack() throws {
        let server = try Server(rig)
        try rig.session().script("DELETE FROM nodes")
        let version = try change()
        #expect(try command.wait(forTakeover: version, milliseconds: 40) == .isLate())
        #expect(try server.registry.version() == version)
        #expect(
            try command.wait(forTakeover: version, milliseconds: 0) == .isLate(on: ["here:1"]))
        try server.look()
        #expect(try command.wait(forTakeover: version, milliseconds: 0) == .hasTakenOver)
        server.registry.leave()
        #expect(try command.wait(forTakeover: version, milliseconds: 0) == .notRunning)
    }

    /// A server that hangs is connected still; one that has crashed is not.
    @Test func serverThatHangsIsNamedAndNotWaitedFor() throws {
        let (one, two) = (try Server(rig, name: "one:1"), try Server(rig, name: "two:2"))
        try rig.session().script("UPDATE nodes SET seen_at = seen_at - 6000 WHERE name = 'one:1'")
        try rig.session().script(
            "INSERT INTO nodes VALUES ('crashed', 'three:3', \(Nodes.now) - 9000)")
        let version = try change()
        try two.look()
        #expect(try command.wait(forTakeover: version, milliseconds: 0) == .hasTakenOver)
        #expect(command.silentServers.map(\.name) == ["one:1"])
        #expect(try #require(command.silentServers.first).lastSeenAt > 1_700_000_000_000)
        two.registry.leave()
        #expect(try command.wait(forTakeover: version, milliseconds: 0) == .notRunning)
        #expect(command.silentServers.map(\.name) == ["one:1"])
        try one.look()
        #expect(try command.wait(forTakeover: version, milliseconds: 0) == .hasTakenOver)
        #expect(command.silentServers.isEmpty)
    }

    @Test func olderRegistryIsTakenUpAndTold() throws {
        let server = try Server(rig)
        for number in 1...3 { _ = try change("psp-\(number)") }
        #expect(try server.registry.version() == 3)
        try server.look()
        #expect(server.lines.texts.filter { $0.contains("older") }.isEmpty)
        let meta = Meta(try rig.session())
        try meta.set(.registryVersion, 1)
        try meta.set(.registryStamp, [1])
        for _ in 1...3 { #expect(try server.registry.version() == 1) }
        try server.look()
        #expect(try server.registry.version() == 1)
        #expect(server.state.isServing)
        // Another change has its version.
        try meta.set(.registryStamp, [2])
        #expect(try server.registry.version() == -1)
        try server.look()
        let told = server.lines.texts.filter { $0.hasPrefix("warning: the registry") }
        #expect(told.count == 2, "\(told)")
        #expect(told.first?.contains("version 1, after 3") == true)
        var page = MetricsText()
        server.state.appendMetrics(to: &page)
        let text = String(decoding: page.bytes, as: UTF8.self)
        #expect(text.contains("\nobie_tokens_registry_set_back_total 2\n"))
    }

    @Test func metaThatIsEmptiedIsCalledSo() throws {
        let server = try Server(rig)
        let session = try rig.session()
        func expectAdvice(_ what: String, _ body: () throws -> Void) throws {
            let failure = try #require(throws: StoreFailure.self) { try body() }
            #expect(failure.description.contains(what), "\(failure)")
            #expect(failure.description.contains("The table meta"), "\(failure)")
            #expect(failure.kind == .configuration)
        }
        func expectAdviceOfAll(_ what: String) throws {
            try expectAdvice(what) { _ = try PostgresRegistry(rig.settings, mode: nil) }
            try expectAdvice(what) { _ = try Migrations.run(rig.settings, servingRole: nil) }
        }
        try session.script("DELETE FROM meta WHERE name = 'next_number'")
        try expectAdvice("meta has no next_number") { _ = try change() }
        try session.script("DELETE FROM meta WHERE name = 'registry_version'")
        try expectAdvice("meta has no registry_version") { _ = try change() }
        try expectAdvice("meta has no registry_version") { _ = try server.registry.version() }
        try session.script("DELETE FROM meta WHERE name = 'schema_version'")
        try expectAdviceOfAll("meta has no schema_version")
        try session.script("TRUNCATE meta")
        try expectAdviceOfAll("meta has no program")
        try session.script("DROP TABLE meta")
        try expectAdviceOfAll("the table meta is gone")
    }

    @Test func commandThatWaitsForALockInVainSaysThatNothingWasChanged() throws {
        let other = try rig.session()
        try other.script("BEGIN; SELECT FROM meta WHERE name = 'registry_version' FOR UPDATE")
        let failure = try #require(throws: StoreFailure.self) { _ = try change() }
        #expect(failure.description.contains("Nothing was changed; run the command again"))
        try other.script("ROLLBACK")
        #expect(try change() == 1)
    }

    /// Raised where it is too little, and never lowered.
    @Test(arguments: [
        ("off", "on"), ("local", "on"), ("remote_write", "on"), ("on", "on"),
        ("remote_apply", "remote_apply"),
    ])
    func operatorsDurabilityIsNotLowered(given: String, used: String) throws {
        let session = try rig.session()
        try session.script("SET synchronous_commit = \(given)")
        try session.script("SELECT \(SessionSetup.durability)")
        let row = try session.run("SELECT current_setting('synchronous_commit')").first
        #expect(row?.text(0) == used)
    }
}
