// The registry in its file: what a server sees of what commands do, and when.

import CryptoForTests
import Foundation
import Server
import StoreContract
import System
import Testing
import Tokens
import UV

@testable import SQLiteStore

@Suite struct SQLiteRegistryTests {
    private let folder: TemporaryFolder
    private let store: String

    init() throws {
        folder = try TemporaryFolder()
        store = "\(folder.path)/store.db"
    }

    /// What a running server has of a store.
    private final class Running {
        let file: SQLiteFile
        let watch: RegistryWatcher.Watch

        init(_ store: String, _ mode: IssuerSettings.Mode) throws {
            var settings = IssuerSettings()
            settings.mode = mode
            file = try SQLiteFile(
                path: store, keyring: Keyring(SealingKey { _ in }), settings: settings
            ) { _ in }
            watch = try RegistryWatcher.watch(
                file.registry, cryptography, now: System.Clock.wallMilliseconds
            ) {
                _ in
            }
        }

        var registry: Registry { watch.feed.registry }

        func close() {
            watch.stop()
            file.close()
        }
    }

    private func server(_ mode: IssuerSettings.Mode = .production) throws -> Running {
        try Running(store, mode)
    }

    private func wait(_ version: Int64, milliseconds: Int = 5000) throws -> RegistryTakeover {
        try StoreLock.wait(registryVersion: version, store: store, milliseconds: milliseconds)
    }

    @Test func changeIsSeenByTheRunningServerWhenTheCommandReturns() throws {
        let running = try server()
        defer { running.close() }
        let registry = try SQLiteRegistry(store: store, mode: nil)
        #expect(running.registry.provider(reference: "psp") == nil)
        for isDisabled in [false, true, false] {
            let (_, version) = try registry.update { content in
                if content.providers.isEmpty { try content.addProvider("psp", redirectURIs: []) }
                try content.setProvider("psp", isDisabled: isDisabled)
            }
            #expect(try wait(version) == .hasTakenOver)
            let seen = running.registry.provider(reference: "psp")
            #expect((seen == nil) == isDisabled)
        }
        #expect(try wait(99, milliseconds: 100) == .isLate())
    }

    @Test func nothingIsWaitedForWithoutAServer() throws {
        #expect(try wait(1) == .notRunning)
        try server().close()
        #expect(try wait(1) == .notRunning)
    }

    @Test func whatWasRegisteredBeforeTheStartIsThere() throws {
        let registry = try SQLiteRegistry(store: store, mode: nil)
        #expect(registry.isNew)
        _ = try registry.update { try $0.addProvider("psp", redirectURIs: []) }
        let running = try server()
        defer { running.close() }
        #expect(running.registry.provider(reference: "psp") != nil)
        #expect(try SQLiteRegistry(store: store, mode: nil).isNew == false)
    }

    @Test func oldSecretRunsOutWithoutAnotherChange() throws {
        let registry = try SQLiteRegistry(store: store, mode: nil)
        let (old, new) = (Array("old".utf8), Array("new".utf8))
        let until = System.Clock.wallMilliseconds() + 1500
        _ = try registry.update { content in
            _ = try content.addInstitution(
                "bank-1", clientID: "c", secret: SecretDigest(of: old))
            _ = try content.rotateSecret(
                "bank-1", clientID: "c", secret: SecretDigest(of: new), oldUntil: until, now: 0)
        }
        let running = try server()
        defer { running.close() }
        #expect(running.registry.client(id: "c", secret: old) != nil)
        for _ in 0..<500 where running.registry.client(id: "c", secret: old) != nil {
            usleep(10_000)
        }
        #expect(System.Clock.wallMilliseconds() >= until)
        #expect(running.registry.client(id: "c", secret: old) == nil)
        #expect(running.registry.client(id: "c", secret: new) != nil)
    }

    @Test(arguments: [IssuerSettings.Mode.sandbox, .production])
    func modeOfTheFirstUseStays(first: IssuerSettings.Mode) throws {
        let other: IssuerSettings.Mode = first == .sandbox ? .production : .sandbox
        _ = try SQLiteRegistry(store: store, mode: first)
        // The registry alone decides, and a refused start leaves nothing that says otherwise.
        #expect(throws: StoreFailure.self) { try server(other) }
        try server(first).close()
        #expect(throws: StoreFailure.self) { try server(other) }
        #expect(try SQLiteRegistry(store: store, mode: nil).mode == first)
    }

    @Test func changesOfSeveralProcessesAreAllKept() throws {
        _ = try SQLiteRegistry(store: store, mode: nil)
        let store = store
        let threads = (0..<4).map { thread in
            try! Worker(owning: thread, named: "test") { thread in
                for number in 0..<25 {
                    _ = try? SQLiteRegistry(store: store, mode: nil).update {
                        try $0.addProvider("psp-\(thread)-\(number)", redirectURIs: [])
                    }
                }
            }
        }
        for thread in threads { thread.join() }
        let content = try SQLiteRegistry(store: store, mode: nil).load()
        #expect(content.providers.count == 100)
        #expect(Set(content.providers.values.map(\.id)).count == 100)
        #expect(content.version == 100)
    }

    /// What versions 3 and 4 have more.
    static let backToVersion2 = """
        DROP TABLE client_certificates;
        ALTER TABLE providers DROP COLUMN withdrawn;
        ALTER TABLE providers DROP COLUMN services;
        ALTER TABLE providers DROP COLUMN name;
        PRAGMA user_version = 2;
        """

    @Test func providersOfAnOlderRegistryAreAuthorised() throws {
        let registry = try SQLiteRegistry(store: store, mode: nil)
        _ = try registry.update {
            try $0.addProvider("psp", redirectURIs: ["https://a.example/"])
            try $0.setProvider("psp", isDisabled: true)
        }
        let before = try registry.load()
        try Database(path: "\(store).registry", .readWrite).execute(Self.backToVersion2)
        let after = try SQLiteRegistry(store: store, mode: nil)
        #expect(try after.load() == before)
        let (_, version) = try after.update {
            try $0.setProvider("psp", ProviderTerms(status: .withdrawn, services: [], name: "n"))
        }
        #expect(version == before.version + 1)
        let provider = try SQLiteRegistry(store: store, mode: nil).load().provider("psp")
        #expect(provider.authorisation == Authorisation(status: .withdrawn, services: []))
        #expect(provider.name == "n" && provider.isDisabled)
    }

    @Test func foreignAndNewerFilesAreRefused() throws {
        _ = try SQLiteRegistry(store: store, mode: nil)
        let database = try Database(path: "\(store).registry", .readWrite)
        for damage in ["PRAGMA user_version = 99", "PRAGMA application_id = 1"] {
            try database.execute(damage)
            #expect(throws: StoreFailure.self) {
                try SQLiteRegistry(store: store, mode: nil)
            }
        }
    }
}
