// The files of a store that is in use, moved and replaced under it; and files of 0.7.0.

import CryptoForTests
import Foundation
import Glibc
import Server
import Testing
import Tokens

@testable import SQLiteStore

@Suite struct StoreFilesTests {
    private let folder: TemporaryFolder
    private let store: String
    private let lines = Rig.Lines()

    init() throws {
        folder = try TemporaryFolder()
        store = "\(folder.path)/store.db"
    }

    private func open(_ path: String? = nil) throws -> SQLiteFile {
        var settings = IssuerSettings()
        settings.mode = .production
        return try SQLiteFile(
            path: path ?? store, keyring: Rig.keyring, settings: settings
        ) { [lines] in lines.add($0) }
    }

    private func add(_ provider: String, _ path: String? = nil) throws {
        _ = try SQLiteRegistry(store: path ?? store, mode: nil).update {
            try $0.addProvider(provider, redirectURIs: [])
        }
    }

    private func isReady(_ file: SQLiteFile) -> Bool { file.health.isGood }

    /// Looks, as the watch does ten times a second.
    private func look(_ file: SQLiteFile) -> String? {
        do {
            _ = try file.registry.version()
            return nil
        } catch { return "\(error)" }
    }

    @Test(arguments: ["", "-wal", "-shm"], [true, false])
    func fileThatIsMovedIsToldOnceAndItsReturnToo(suffix: String, isRemoved: Bool) throws {
        let file = try open()
        defer { file.close() }
        #expect(look(file) == nil && isReady(file))
        try Shell.move(store + suffix, store + ".moved")
        // Another file in its place is not the one that is open.
        if !isRemoved { try Data("x".utf8).write(to: URL(filePath: store + suffix)) }
        for _ in 0..<3 { #expect(look(file) == nil) }
        #expect(!isReady(file))
        #expect(lines.texts.count == 1, "\(lines.texts)")
        #expect(lines.texts.first?.hasPrefix("\(store)\(suffix) was moved") == true)
        #expect(throws: StoreFailure.self, "no command hears that it is in force") {
            try file.registry.takenOver(9)
        }
        try Shell.move(store + ".moved", store + suffix)
        #expect(look(file) == nil && isReady(file))
        #expect(lines.texts.count == 2)
    }

    enum Replacement: CaseIterable { case missing, older, foreign, noise }

    /// - Parameter isMoved: `mv` puts another file there, `cp` writes into the one that is open.
    @Test(arguments: Replacement.allCases, [true, false])
    func registryThatIsReplacedIsNotTakenOver(by replacement: Replacement, isMoved: Bool) throws {
        try add("first")
        let old = try Data(contentsOf: URL(filePath: "\(store).registry"))
        try add("second")
        let file = try open()
        let watch = try RegistryWatcher.watch(file.registry, cryptography, now: { 0 }) { [lines] in
            lines.add($0)
        }
        defer {
            watch.stop()
            file.close()
        }
        let good = try Data(contentsOf: URL(filePath: "\(store).registry"))
        let elsewhere = "\(folder.path)/other.db"
        try open(elsewhere).close()
        try add("foreign", elsewhere)
        for number in 0..<4 { try add("foreign-\(number)", elsewhere) }
        let foreign = try Data(contentsOf: URL(filePath: "\(elsewhere).registry"))
        let content: Data? =
            switch replacement {
            case .missing: nil
            case .older: old
            case .foreign: foreign
            case .noise: Data(repeating: 7, count: 9000)
            }
        try put(content, isMoved: isMoved)
        try eventually("not ready") { !isReady(file) }
        usleep(300_000)
        #expect(lines.texts.count == 1, "\(lines.texts)")
        #expect(watch.feed.registry.provider(reference: "foreign") == nil)
        #expect(watch.feed.registry.provider(reference: "second") != nil, "it still counts")
        #expect(throws: StoreFailure.self) { try add("third") }
        // Brought back, and changed: it is taken over.
        try put(good, isMoved: isMoved)
        try eventually("ready") { isReady(file) }
        try add("third")
        try eventually("third") { watch.feed.registry.provider(reference: "third") != nil }
        #expect(lines.texts.count == 2, "\(lines.texts)")
    }

    private func put(_ content: Data?, isMoved: Bool) throws {
        let path = "\(store).registry"
        guard let content else { return try Shell.remove(path) }
        if isMoved || !Shell.exists(path) {
            try content.write(to: URL(filePath: path), options: .atomic)
        } else {
            let handle = try FileHandle(forWritingTo: URL(filePath: path))
            try handle.truncate(atOffset: 0)
            try handle.write(contentsOf: content)
            try handle.close()
        }
    }

    private func eventually(_ what: String, _ isTrue: () -> Bool) throws {
        for _ in 0..<500 where !isTrue() { usleep(10_000) }
        try #require(isTrue(), "\(what) does not come")
    }

    /// Before requests see a version, the store has seen it.
    @Test func storeRemembersWhatWasTakenOver() throws {
        let file = try open()
        try add("psp")
        let content = try file.registry.load()
        let memory = try #require(try StoreMemory.read(store))
        #expect(memory.registry?.version == content.version)
        #expect(memory.registry?.nextNumber == Int64(content.nextNumber))
        file.close()
        #expect(try StoreMemory.read(store)?.registry?.version == content.version)
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(Set(files) == ["store.db", "store.db.lock", "store.db.registry"])
    }

    /// A store whose disk is full stores no code; to disable somebody must not wait for it.
    @Test func registryIsTakenOverWhileTheStoreTakesNoChanges() throws {
        let file = try open()
        let watch = try RegistryWatcher.watch(file.registry, cryptography, now: { 0 }) { _ in }
        defer {
            watch.stop()
            file.close()
        }
        let blocker = try Database(path: store, .existing)
        try blocker.execute("BEGIN IMMEDIATE")
        try add("psp")
        try eventually("psp") { watch.feed.registry.provider(reference: "psp") != nil }
        #expect(try StoreMemory.read(store)?.registry?.version == 0)
        try blocker.execute("ROLLBACK")
        for _ in 0..<300 where try StoreMemory.read(store)?.registry?.version != 1 {
            usleep(10_000)
        }
        #expect(try StoreMemory.read(store)?.registry?.version == 1)
    }

    /// As 0.7.0 leaves them.
    private func makeOld() throws {
        try open().close()
        try add("psp")
        try Database(path: store, .existing).execute(
            "DELETE FROM meta WHERE name IN ('id', 'registry')")
        try Database(path: "\(store).registry", .existing).execute(
            "DELETE FROM meta WHERE name = 'id'")
    }

    @Test func filesOfTheVersionBeforeAreAdopted() throws {
        try makeOld()
        try open().close()
        let id = try #require(try StoreMemory.read(store)?.id)
        #expect(try StoreMemory.read(store)?.registry?.id == id)
        #expect(try SQLiteRegistry(store: store, mode: nil).currentMark().id == id)
        try open().close()
        #expect(try StoreMemory.read(store)?.id == id, "once")
    }

    @Test func registryOfTheVersionBeforeIsNotMadeAnew() throws {
        try makeOld()
        try Shell.remove("\(store).registry")
        #expect(throws: StoreFailure.self) { try open() }
        #expect(throws: StoreFailure.self) { try add("psp") }
        #expect(!SQLiteRegistry.exists(store: store))
    }

    /// Killed before its log was ever moved into its file, whose head says nothing then.
    @Test func storeWhoseHeadIsInItsLogIsOurs() throws {
        do {
            let writer = try Database(path: store, .readWrite)
            try Schema.prepareWriter(writer)
            try Schema.migrate(writer, path: store)
            for suffix in ["", "-wal"] {
                try FileManager.default.copyItem(
                    atPath: store + suffix, toPath: "\(folder.path)/killed.db\(suffix)")
            }
        }
        let killed = "\(folder.path)/killed.db"
        #expect(
            try FileHead.read(killed)
                == .database(applicationID: Schema.mark.applicationID, version: 0))
        try Shell.remove("\(killed)-wal")
        #expect(try FileHead.read(killed) == .database(applicationID: 0, version: 0))
        #expect(throws: StoreFailure.self) { try open(killed) }
    }

    @Test(arguments: ["-wal", ".registry"])
    func missingStoreIsNotMadeAnewBesideItsCompanion(suffix: String) throws {
        try open().close()
        let registry = try Data(contentsOf: URL(filePath: "\(store).registry"))
        for file in [store, "\(store).registry", "\(store).lock"] { try Shell.remove(file) }
        try (suffix == "-wal" ? Data("x".utf8) : registry).write(to: URL(filePath: store + suffix))
        // An empty file is none either.
        for isEmpty in [false, true] {
            if isEmpty { try Data().write(to: URL(filePath: store)) }
            #expect(throws: StoreFailure.self) { try open() }
            let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            #expect(Set(left) == Set(["store.db\(suffix)"] + (isEmpty ? ["store.db"] : [])))
        }
    }

    @Test func startWithoutKeysTakesBackWhatItHasMade() throws {
        struct NoKeys: Error {}
        #expect(throws: NoKeys.self) {
            _ = try SQLiteFile(
                path: store, settings: IssuerSettings(), now: 0, report: { _ in }, onLoss: {}
            ) { isNew in
                #expect(isNew)
                throw NoKeys()
            }
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }
}
