// A store in a file as it is copied, and one that is made by a copy.

import CryptoForTests
import Foundation
import Testing
import Tokens

@testable import SQLiteStore

@Suite struct CopyTests {
    private let folder: TemporaryFolder
    private var new: String { "\(folder.path)/new.db" }

    init() throws { folder = try TemporaryFolder() }

    /// A store that a server has used: a code that was spent, one that was not, a token, and consents.
    private func used() throws -> Rig {
        let rig = try Rig()
        #expect(throws: Never.self) { try rig.insert(rig.code(1)).get() }
        #expect(throws: Never.self) { try rig.insert(rig.code(2, state: nil)).get() }
        _ = try rig.redeem(rig.code(1))
        try rig.answer {
            $0.revoke(
                ConsentRevocation(consentID: "both", institution: nil), now: 5, completion: $1)
        }.get()
        rig.close()
        try database(rig.path).execute("UPDATE revoked_consents SET revoked_until = 5")
        _ = try SQLiteRegistry(store: rig.path, mode: nil).update { content in
            try content.revokeAll(ofConsent: "both", institution: nil, now: 9)
            try content.revokeAll(ofConsent: "inbox", institution: nil, now: 7)
            try content.setProvider("PSDGB-FCA-222222", isDisabled: true)
            try content.addProvider("PSDGB-FCA-3", redirectURIs: ["https://psp.example/"])
            try content.removeProvider("PSDGB-FCA-3")
        }
        return rig
    }

    private func database(_ path: String) throws -> Database {
        try Database(path: path, .existing)
    }

    /// - Parameter rig: its folder stays until this returns.
    @discardableResult
    private func copy(_ rig: Rig) throws -> StoreCopy.Outcome {
        let source = try SQLiteCopySource(rig.path, Rig.keyring)
        defer { source.close() }
        let target = try SQLiteCopyTarget(new, Rig.keyring)
        defer { target.close() }
        return try StoreCopy(from: source, to: target) { _ in }.run()
    }

    private func rows(_ path: String, _ table: CopiedTable) throws -> [CopiedRow] {
        let source = try SQLiteCopySource(path, Rig.keyring)
        defer { source.close() }
        return try source.rows(of: table).next(100)
    }

    @Test func copyHasWhatItsStoreHas() throws {
        let rig = try used()
        let outcome = try copy(rig)
        #expect(outcome.counts == [.codes: 2, .tokens: 1, .ccgTokens: 0, .revokedConsents: 2])
        for table in CopiedTable.allCases {
            #expect(try rows(rig.path, table) == rows(new, table))
        }
        let registries = try [rig.path, new].map {
            try SQLiteRegistry(store: $0, mode: .sandbox).load()
        }
        #expect(registries[0] == registries[1])
        #expect(registries[1].nextNumber > 2 && registries[1].removedProviders == ["PSDGB-FCA-3"])
        #expect(Shell.exists(rig.path))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == [
                "new.db", "new.db.lock", "new.db.registry",
            ])
    }

    @Test func whatOnlyCommandsHaveRevokedIsTakenAlong() throws {
        let rig = try used()
        let any = CopiedValue.number(0)
        #expect(
            try rows(rig.path, .revokedConsents) == [
                [.bytes(Array("both".utf8)), any, .number(9)],
                [.bytes(Array("inbox".utf8)), any, .number(7)],
            ])
    }

    @Test func serverOpensTheCopy() throws {
        try copy(try used())
        try Rig.file(new) { _ in }.close()
        // With another key it would open nothing.
        let other = Keyring(SealingKey { bytes in bytes[0] = 1 })
        #expect(throws: StoreFailure.self) {
            try Rig.file(new, keyring: other) { _ in }.close()
        }
    }

    @Test func nobodyElseUsesAStoreThatIsCopied() throws {
        let rig = try used()
        let source = try SQLiteCopySource(rig.path, Rig.keyring)
        #expect(throws: StoreFailure.self) { try rig.open() }
        #expect(throws: StoreFailure.self) { try SQLiteCopySource(rig.path, Rig.keyring) }
        source.close()
        try rig.open()
        #expect(throws: StoreFailure.self) { try SQLiteCopySource(rig.path, Rig.keyring) }
    }

    /// A column that a later version adds must not be left behind.
    @Test(arguments: CopiedTable.allCases)
    func everyColumnIsTakenAlong(table: CopiedTable) throws {
        let rig = try used()
        let select = try database(rig.path).prepare(
            "SELECT name FROM pragma_table_info('\(table.rawValue)')")
        var names: [String] = []
        while try select.step() { names.append(select.text(0)) }
        #expect(names.sorted() == table.columns.map(\.name).sorted())
    }

    @Test(arguments: ["", ".registry", "-wal", "-shm", "-journal", ".registry-journal"])
    func nothingIsOverwritten(suffix: String) throws {
        try Data("mine".utf8).write(to: URL(fileURLWithPath: new + suffix))
        let failure = try #require(throws: StoreFailure.self) {
            try SQLiteCopyTarget(new, Rig.keyring)
        }
        #expect(failure.kind == .existing)
        #expect(try Data(contentsOf: URL(fileURLWithPath: new + suffix)) == Data("mine".utf8))
    }

    @Test func copyThatDoesNotFinishLeavesNothing() throws {
        let rig = try used()
        let source = try SQLiteCopySource(rig.path, Rig.keyring)
        let target = try SQLiteCopyTarget(new, Rig.keyring)
        try target.write(try source.head())
        try target.append(try source.rows(of: .codes).next(1), to: .codes)
        #expect(try target.count(of: .codes) == 1)
        target.close()
        source.close()
        #expect(Shell.exists(rig.path))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    /// Those of a process that was killed.
    @Test func draftOfBeforeIsThrownAway() throws {
        for suffix in ["", ".registry"] {
            try Data("half".utf8).write(to: URL(fileURLWithPath: "\(new).copying\(suffix)"))
        }
        try copy(try used())
        #expect(!Shell.exists("\(new).copying") && Shell.exists(new))
    }

    @Test func storeThatIsNotThereIsAbsent() throws {
        let failure = try #require(throws: StoreFailure.self) {
            try SQLiteCopySource(new, Rig.keyring)
        }
        #expect(failure.kind == .absent)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    @Test func oldStoreIsRefusedWithWhatToDo() throws {
        let rig = try used()
        try database(rig.path).execute("PRAGMA user_version = 2")
        let failure = try #require(throws: StoreFailure.self) {
            try SQLiteCopySource(rig.path, Rig.keyring)
        }
        #expect(failure.description.contains("older version"))
        #expect(failure.kind == .configuration)
    }
}
