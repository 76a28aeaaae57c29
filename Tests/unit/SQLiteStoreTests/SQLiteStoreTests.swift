// The store on disk: the contract, and what only a file must do.

import CryptoForTests
import Foundation
import StoreContract
import Synchronization
import Testing
import Tokens
import UV

@testable import SQLiteStore

@Suite struct SQLiteStoreTests {
    @Test(arguments: StoreContract.rules.map(\.name), [1, 2])
    func sqliteStoreKeepsTheContract(rule: String, faces: Int) throws {
        let run = try #require(StoreContract.rules.first { $0.name == rule }?.run)
        var rigs: [Rig] = []
        try run(
            StoreContract(wait: { rigs.last?.wait() }) {
                let rig = try Rig(faces: faces)
                rigs.append(rig)
                return rig.faces
            })
    }

    @Test(arguments: RegistryContract.rules.map(\.name))
    func sqliteRegistryKeepsTheContract(rule: String) throws {
        let run = try #require(RegistryContract.rules.first { $0.name == rule }?.run)
        let folder = try TemporaryFolder()
        var files: [SQLiteFile] = []
        defer { for file in files { file.close() } }
        var settings = IssuerSettings()
        settings.mode = .production
        try run(
            RegistryContract {
                let store = "\(folder.path)/\(UUID().uuidString)"
                let file = try SQLiteFile(
                    path: store, keyring: Rig.keyring, settings: settings
                ) { _ in }
                files.append(file)
                return (file.registry, try SQLiteRegistry(store: store, mode: nil))
            })
    }

    @Test(arguments: [nil, "", "s", "\"\\\u{0}\u{1}é😀"])
    func whatWasAnsweredSurvivesARestart(state: String?) throws {
        let rig = try Rig()
        let (spent, fresh) = (rig.code(1, state: state), rig.code(2, state: state))
        for code in [spent, fresh] { try rig.insert(code).get() }
        #expect(try rig.redeem(spent) == .success(.redeemed(state: state)))
        rig.close()
        try rig.open()
        #expect(try rig.redeem(spent) == .success(.refused(.used)))
        #expect(try rig.redeem(fresh) == .success(.redeemed(state: state)))
    }

    @Test func secondServerOnTheFileIsRefused() throws {
        let rig = try Rig()
        #expect(throws: StoreFailure.self) { try Rig.file(rig.path) { _ in } }
        rig.close()
        try Rig.file(rig.path) { _ in }.close()
    }

    @Test func foreignKeysAreNoticedAtTheStart() throws {
        let rig = try Rig()
        rig.close()
        let other = SealingKey { bytes in bytes[0] = 1 }
        #expect(throws: StoreFailure.self) {
            try Rig.file(rig.path, keyring: Keyring(other)) { _ in }
        }
        // A new key in front of the old one is a rotation, after which the old one may go.
        try Rig.file(rig.path, keyring: Rig.keyring.adding(other)) { _ in }.close()
        try Rig.file(rig.path, keyring: Keyring(other)) { _ in }.close()
    }

    @Test func newerSchemaAndForeignDatabaseAreRefused() throws {
        let rig = try Rig()
        rig.close()
        try Database(path: rig.path, .readWrite).execute("PRAGMA user_version = 99")
        #expect(throws: StoreFailure.self) { try Rig.file(rig.path) { _ in } }
        try Database(path: rig.path, .readWrite).execute("PRAGMA application_id = 1")
        #expect(throws: StoreFailure.self) { try Rig.file(rig.path) { _ in } }
    }

    @Test func faultIsAnsweredAndReportedOnceAndTheCodeStaysGood() throws {
        let rig = try Rig()
        let code = rig.code(1)
        try rig.insert(code).get()
        // Another process holds the file for writing, as a foreign tool might.
        let blocker = try Database(path: rig.path, .readWrite)
        try blocker.execute("BEGIN IMMEDIATE")
        for _ in 0..<3 { #expect(try rig.redeem(code) == .failure(.unavailable)) }
        #expect(rig.store?.isAvailable == false)
        #expect(rig.lines.texts.count == 1)
        try blocker.execute("ROLLBACK")
        #expect(try rig.redeem(code) == .success(.redeemed(state: "s")))
        #expect(rig.store?.isAvailable == true)
        #expect(rig.lines.texts.count == 2)
    }

    @Test func batchThatFailsLeavesEveryCodeGood() throws {
        let rig = try Rig()
        let codes = (0..<50).map { rig.code($0) }
        for code in codes { try rig.insert(code).get() }
        let blocker = try Database(path: rig.path, .readWrite)
        try blocker.execute("BEGIN IMMEDIATE")
        #expect(try rig.redeemAtOnce(codes) == codes.map { _ in .failure(.unavailable) })
        try blocker.execute("ROLLBACK")
        #expect(try rig.redeemAtOnce(codes) == codes.map { _ in .success(.redeemed(state: "s")) })
        #expect(try rig.redeemAtOnce(codes) == codes.map { _ in .success(.refused(.used)) })
    }

    @Test(arguments: [1, 1023, 1024, 1025, 2049])
    func turnOfAnySizeIsAnsweredInOrder(count: Int) throws {
        let rig = try Rig()
        let store = try #require(rig.store)
        var order: [Int] = []
        for number in 0..<count {
            store.insert(rig.code(UInt64(number))) { result in
                if case .success = result { order.append(number) }
            }
        }
        for _ in 0..<100_000 where order.count < count { rig.wait() }
        #expect(order == Array(0..<count))
    }

    @Test func unreadableRowIsAFaultAndNeverARefusal() throws {
        let rig = try Rig()
        let code = rig.code(1)
        try rig.insert(code).get()
        try Database(path: rig.path, .readWrite).execute("UPDATE codes SET scope = 77")
        #expect(try rig.redeem(code) == .failure(.unavailable))
        try Database(path: rig.path, .readWrite).execute("UPDATE codes SET scope = 0")
        #expect(try rig.redeem(code) == .success(.redeemed(state: "s")))
    }

    @Test func recoveryIsNoticedWithoutRequests() throws {
        let rig = try Rig()
        let blocker = try Database(path: rig.path, .readWrite)
        try blocker.execute("BEGIN IMMEDIATE")
        #expect(try rig.expire() == .failure(.unavailable))
        #expect(rig.store?.isAvailable == false)
        try blocker.execute("ROLLBACK")
        #expect(try rig.expire() == .success(1005))
        #expect(rig.store?.isAvailable == true)
    }

    @Test func expiredRowsLeaveTheFile() throws {
        let rig = try Rig()
        for number in 0..<1200 { try rig.insert(rig.code(UInt64(number))).get() }
        let count = {
            try Database(path: rig.path, .readOnly).integer("SELECT count(*) FROM codes")
        }
        #expect(try count() == 1200)
        let later = 1_000_000 + StoreContract.lifetime + ReplayMemory.milliseconds
        for (now, left) in [(later - 1, 1200), (later, 700), (later, 200), (later, 0)] {
            let next: Result<Milliseconds?, StoreError> = try rig.answer {
                $0.removeExpired(now: now, completion: $1)
            }
            #expect(try count() == left)
            #expect(try next.get() == (left == 700 || left == 200 ? now : now + 1000))
        }
    }

    @Test func fileDoesNotGrowUnderSteadyLoad() throws {
        let rig = try Rig()
        var pages: [Int64] = []
        for round in 0..<6 {
            let time = Milliseconds(1_000_000 + round * 1_000_000)
            for number in 0..<400 {
                try rig.insert(rig.code(UInt64(round * 1000 + number), at: time)).get()
            }
            for _ in 0..<2 {
                let next: Result<Milliseconds?, StoreError> = try rig.answer {
                    $0.removeExpired(now: time + 900_000, completion: $1)
                }
                _ = try next.get()
            }
            pages.append(try Database(path: rig.path, .readOnly).integer("PRAGMA page_count"))
        }
        #expect(pages[0] > 10)
        #expect(pages[5] <= pages[1], "pages after each round: \(pages)")
    }

    @Test func corruptFileIsAFaultAndNeverARefusal() throws {
        let rig = try Rig()
        let codes = (0..<200).map { rig.code(UInt64($0)) }
        for code in codes { try rig.insert(code).get() }
        rig.close()
        let handle = try FileHandle(forUpdating: URL(filePath: rig.path))
        let size = try handle.seekToEnd()
        try handle.seek(toOffset: 4096)
        try handle.write(contentsOf: Data(repeating: 0xA5, count: Int(size) - 4096))
        try handle.close()
        do {
            try rig.open()
        } catch let failure as StoreFailure {
            #expect(failure.description.contains(rig.path))
            return
        }
        for code in codes { #expect(try rig.redeem(code) == .failure(.unavailable)) }
    }

    @Test func fileHoldsNoIdentifier() throws {
        let rig = try Rig()
        let code = rig.code(0x1234_5678_9ABC_DEF0)
        try rig.insert(code).get()
        _ = try rig.redeem(code)
        rig.close()
        let content = try Data(contentsOf: URL(filePath: rig.path))
        #expect(content.range(of: Data("c1311768467463790320".utf8)) != nil, "the consent is there")
        #expect(content.range(of: Data(code.id.bytes[8...])) == nil)
    }
}
