// A change of the registry that is larger than the cache: it reaches the disk in pieces, and whole or not
// at all.

import FailingDisk
import Foundation
import Testing
import Tokens

@testable import SQLiteStore

@Suite struct LargeChangeTests {
    private let folder: TemporaryFolder
    private let store: String
    private var path: String { store + ".registry" }

    init() throws {
        folder = try TemporaryFolder()
        store = "\(folder.path)/store.db"
    }

    /// Some 16 MB of rows and their index.
    private static let list: [ProviderEntry] = (0..<16_000).map { number in
        ProviderEntry(
            line: number + 1, reference: "psp-\(number)",
            terms: ProviderTerms(name: String(repeating: "n", count: 120)),
            redirectURIs: ["https://psp.example/\(number)/" + String(repeating: "u", count: 300)])
    }

    private static let unsyncedMax = 6 << 20

    private func size() throws -> Int {
        try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
    }

    /// The most bytes that were written to the file between two syncs, since this was asked last.
    private func unsynced() -> Int { unsafe failing_disk_unsynced(path) }

    @Test func largeChangeReachesTheDiskInPieces() throws {
        let registry = try SQLiteRegistry(store: store, mode: .production)
        _ = unsynced()
        let (added, _) = try registry.update { $0.take(Self.list) }
        #expect(added.addedCount == Self.list.count)
        #expect(try size() > 2 * Self.unsyncedMax, "it is large enough to show")
        #expect(unsynced() <= Self.unsyncedMax)
        let withdrawal = Self.list.map { entry in
            ProviderEntry(
                line: entry.line, reference: entry.reference,
                terms: ProviderTerms(status: .withdrawn))
        }
        let (withdrawn, version) = try registry.update { $0.take(withdrawal) }
        #expect(withdrawn.withdrawn.count == Self.list.count)
        #expect(unsynced() <= Self.unsyncedMax)
        let content = try SQLiteRegistry(store: store, mode: nil).load()
        #expect(content.version == version && content.providers.count == Self.list.count)
        #expect(content.providers.values.allSatisfy { $0.authorisation.status == .withdrawn })
    }

    /// A change that was cut off is in the file in parts, and its journal beside it: whoever reads the file
    /// takes it back first.
    @Test func copyOfAChangeThatWasCutOffHasNothingOfIt() throws {
        let registry = try SQLiteRegistry(store: store, mode: .production)
        let version = try registry.version()
        let cut = "\(folder.path)/cut.db"
        #expect(throws: CutOff.self) {
            let database = try Database(path: path, .existing)
            try database.execute("PRAGMA cache_size = 10; BEGIN IMMEDIATE")
            var content = try RegistryRows.read(database, .production)
            let before = content
            _ = content.take(Self.list)
            content.version += 1
            try RegistryRows.write(content, over: before, database)
            for suffix in [".registry", ".registry-journal"] {
                try FileManager.default.copyItem(atPath: store + suffix, toPath: cut + suffix)
            }
            try database.execute("ROLLBACK")
            throw CutOff()
        }
        let half = try FileManager.default.attributesOfItem(atPath: cut + ".registry")[.size]
        #expect(half as? Int ?? 0 > 1 << 20, "much of it is in the file")
        let database = try Database.readingRegistry(cut + ".registry")
        #expect(try RegistryRows.mark(database).version == version)
        #expect(try database.integer("SELECT count(*) FROM providers") == 0)
    }

    private struct CutOff: Error {}

    /// A part of it is in the file by then.
    @Test(arguments: [FAILING_DISK_SYNC, FAILING_DISK_WRITE])
    func largeChangeThatFailsLeavesEverythingAsItWas(_ fault: failing_disk) throws {
        let registry = try SQLiteRegistry(store: store, mode: .production)
        _ = try registry.update { try $0.addProvider("old", redirectURIs: []) }
        let before = try registry.load()
        unsafe failing_disk_set(path, fault)
        #expect(throws: StoreFailure.self) { _ = try registry.update { $0.take(Self.list) } }
        unsafe failing_disk_set(path, FAILING_DISK_NONE)
        #expect(try SQLiteRegistry(store: store, mode: nil).load() == before)
        _ = try registry.update { $0.take(Self.list) }
        #expect(try registry.load().providers.count == Self.list.count + 1)
    }
}
