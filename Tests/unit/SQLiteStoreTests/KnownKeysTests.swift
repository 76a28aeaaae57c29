// The store's own memory of its keys: written at each start, and what keeps a start from losing anything.

import CryptoForTests
import Testing
import Tokens

@testable import SQLiteStore

/// A store that no server has open, and its keys by number.
private struct KeyRig {
    private let rig: Rig
    var path: String { rig.path }

    init() throws {
        rig = try Rig()
        rig.close()
        // The rig has used a key of its own.
        try database().execute("DELETE FROM meta WHERE name GLOB 'key *' OR name = 'sealing_key'")
    }

    static func key(_ number: UInt8) -> SealingKey {
        SealingKey { bytes in for index in bytes.indices { bytes[index] = number } }
    }

    /// The newest first.
    static func ring(_ numbers: [UInt8]) -> Keyring {
        var ring = Keyring(key(numbers.last ?? 0))
        for number in numbers.dropLast().reversed() { ring = ring.adding(key(number)) }
        return ring
    }

    func database() throws -> Database { try Database(path: path, .readWrite) }

    /// A server starts and ends.
    func start(_ numbers: UInt8..., now: Milliseconds) throws {
        let ring = KeyRig.ring(numbers)
        try SQLiteFile(
            path: path, keyring: ring, settings: IssuerSettings(), now: now, report: { _ in }
        ).close()
    }

    func addToken(_ issuedAt: Milliseconds, expiresAt: Milliseconds?) throws {
        let end = expiresAt.map { "\($0)" } ?? "NULL"
        try database().execute(
            """
            INSERT INTO tokens (issued_at, digest, institution, provider, scope, consent, account,
                expires_at) VALUES (\(issuedAt), randomblob(32), 1, 1, 0, 'c', 'a', \(end))
            """)
    }

    func addCode(_ issuedAt: Milliseconds, expiresAt: Milliseconds) throws {
        try database().execute(
            """
            INSERT INTO codes (issued_at, digest, institution, provider, redirect_uri, scope, consent,
                account, expires_at)
            VALUES (\(issuedAt), randomblob(32), 1, 1, 1, 0, 'c', 'a', \(expiresAt))
            """)
    }

    func addCCGToken(_ issuedAt: Milliseconds, expiresAt: Milliseconds) throws {
        try database().execute(
            """
            INSERT INTO ccg_tokens (issued_at, digest, institution, provider, expires_at)
            VALUES (\(issuedAt), randomblob(32), 1, 1, \(expiresAt))
            """)
    }

    func keys(_ numbers: UInt8...) throws -> StoreKeys {
        try #require(
            try KeysOfStore.read(store: path, KeyRig.ring(numbers)) { $0.records })
    }

    func use(_ number: UInt8, of numbers: UInt8...) throws -> KeyUse {
        let keys = try #require(
            try KeysOfStore.read(store: path, KeyRig.ring(numbers)) { $0.records })
        return keys.use(of: KeyRig.key(number).fingerprint)
    }
}

@Suite struct KnownKeysTests {
    @Test func whatAKeyHasSealedIsCountedByItsTime() throws {
        let rig = try KeyRig()
        try rig.start(1, now: 1000)
        try rig.addToken(1000, expiresAt: nil)
        try rig.addToken(1500, expiresAt: 9_000_000)
        try rig.start(2, 1, now: 2000)
        try rig.addToken(2000, expiresAt: 8_000_000)
        try rig.addCode(2001, expiresAt: 62_001)
        try rig.addCCGToken(2002, expiresAt: 3_602_002)
        let first = try rig.use(1, of: 2, 1)
        #expect((first.tokens, first.codes, first.ccgTokens) == (2, 0, 0))
        #expect(first.expiresAt == nil, "one never expires")
        let second = try rig.use(2, of: 2, 1)
        #expect((second.tokens, second.codes, second.ccgTokens) == (1, 1, 1))
        #expect(second.expiresAt == 8_000_000)
        let history = try rig.keys(2, 1).history
        #expect(history.records.allSatisfy(history.isExact))
    }

    /// What has expired may still be there: the last time that was seen decides, and no clock.
    @Test(arguments: [(Milliseconds(5000), 1), (5001, 1), (4999, 0)])
    func tokenCountsUntilTheStoreHasSeenItExpire(expiresAt: Milliseconds, count: Int) throws {
        let rig = try KeyRig()
        try rig.start(1, now: 1000)
        try rig.addToken(1000, expiresAt: expiresAt)
        try rig.start(2, 1, now: 2000)
        try rig.addToken(4999, expiresAt: nil)
        #expect(try rig.use(1, of: 2, 1).tokens == count)
    }

    /// A used code counts as long as its replay is recognised: ten minutes more.
    @Test(arguments: [(Milliseconds(661_000), 1), (662_001, 0)])
    func codeCountsAsLongAsItsReplay(now: Milliseconds, count: Int) throws {
        let rig = try KeyRig()
        try rig.start(1, now: 1000)
        try rig.addCode(1000, expiresAt: 61_001)
        try rig.start(2, 1, now: 2000)
        try rig.addToken(now, expiresAt: nil)
        #expect(try rig.use(1, of: 2, 1).codes == count)
    }

    @Test func startWithoutANeededKeyIsRefusedAndChangesNothing() throws {
        let rig = try KeyRig()
        try rig.start(1, now: 1000)
        try rig.addToken(1500, expiresAt: nil)
        try rig.start(2, 1, now: 2000)
        let short = KeyRig.key(1).fingerprint.short
        let error = #expect(throws: StoreFailure.self) { try rig.start(2, now: 3000) }
        #expect(error?.kind == .configuration)
        #expect(error?.description.contains("the key \(short) is missing") == true)
        #expect(error?.description.contains("1 token") == true)
        #expect(throws: StoreFailure.self) { try rig.start(3, 2, now: 3000) }
        #expect(try rig.keys(2, 1).history.records.count == 2)
        try KeysOfStore.giveUp(KeyRig.key(1).fingerprint, store: rig.path, KeyRig.ring([2, 1]))
        try rig.start(2, now: 3000)
        // Brought back, it counts again.
        try rig.start(2, 1, now: 4000)
        #expect(throws: StoreFailure.self) { try rig.start(2, now: 5000) }
    }

    @Test func startWithoutAKeyThatNothingNeedsForgetsIt() throws {
        let rig = try KeyRig()
        try rig.start(1, now: 1000)
        try rig.addToken(1500, expiresAt: 1900)
        try rig.start(2, 1, now: 2000)
        try rig.addToken(2500, expiresAt: nil)
        try rig.start(3, 2, now: 3000)
        #expect(
            try rig.keys(3, 2).history.records.map(\.fingerprint)
                == [KeyRig.key(3).fingerprint, KeyRig.key(2).fingerprint])
    }

    @Test func keysOfAnotherStoreAreRefused() throws {
        let rig = try KeyRig()
        try rig.start(1, now: 1000)
        let error = #expect(throws: StoreFailure.self) { try rig.start(9, 8, now: 2000) }
        #expect(error?.kind == .configuration)
        #expect(error?.description.contains("does not belong") == true)
        try rig.start(1, now: 3000)
    }

    /// 0.7.0 has written down the last key only.
    @Test func storeOfAnOldVersionLearnsItsKeys() throws {
        let rig = try KeyRig()
        try rig.start(2, 1, now: 1000)
        try rig.addToken(1500, expiresAt: nil)
        let database = try rig.database()
        try database.execute("DELETE FROM meta WHERE name GLOB 'key *'")
        let before = try rig.keys(3, 2, 1)
        #expect(before.use(of: KeyRig.key(1).fingerprint).tokens == 1)
        #expect(before.use(of: KeyRig.key(2).fingerprint).tokens == 1)
        #expect(!before.history.records.contains(where: before.history.isExact))
        try rig.start(3, 2, 1, now: 2000)
        try rig.addToken(2500, expiresAt: nil)
        #expect(throws: StoreFailure.self) { try rig.start(3, 2, now: 3000) }
        #expect(throws: StoreFailure.self) { try rig.start(3, 1, now: 3000) }
        #expect(try rig.use(3, of: 3, 2, 1).tokens == 1)
        #expect(try rig.use(2, of: 3, 2, 1).tokens == 1)
    }

    /// What a server is about to seal with is not known before it has started.
    @Test func keysAreSettledWhileAServerRunsOrNone() throws {
        let rig = try KeyRig()
        try rig.start(1, now: 1000)
        let lock = try StoreLock(rig.path, for: .server)
        #expect(throws: StoreFailure.self) {
            try KeysOfStore.whileSettled(store: rig.path) { Issue.record("a server is starting") }
        }
        try lock.announce(registryVersion: 1)
        #expect(try KeysOfStore.whileSettled(store: rig.path) { 7 } == 7)
        #expect(throws: StoreFailure.self) {
            try KeysOfStore.giveUp(KeyRig.key(1).fingerprint, store: rig.path, KeyRig.ring([1]))
        }
        lock.release()
        try KeysOfStore.whileSettled(store: rig.path) {
            #expect(throws: StoreFailure.self) { try rig.start(1, now: 2000) }
        }
        try rig.start(1, now: 3000)
    }
}
