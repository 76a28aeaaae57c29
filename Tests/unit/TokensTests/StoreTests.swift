// The memory store against the contract, and what only it promises.

import StoreContract
import Synchronization
import System
import Testing
import UV

@testable import Tokens

@Suite struct MemoryStoreTests {
    private static func store(_ limits: MemoryStore.Limits = .init()) -> MemoryStore {
        MemoryStore(
            codeLifetime: StoreContract.lifetime, tokenLifetime: StoreContract.tokenLifetime,
            limits: limits)
    }

    @Test(arguments: StoreContract.rules.map(\.name), [1, 2])
    func memoryStoreKeepsTheContract(rule: String, faces: Int) throws {
        let run = try #require(StoreContract.rules.first { $0.name == rule }?.run)
        try run(StoreContract { Array(repeating: Self.store(), count: faces) })
    }

    private static func code(_ number: UInt64, at time: Milliseconds) -> AuthorizationCode {
        AuthorizationCode(
            id: Identifier(
                issuedAt: time, randomHigh: 0, randomLow: number &* 0x9E37_79B9_7F4A_7C15),
            institution: Institution.ID(1), provider: Provider.ID(1),
            redirectURI: Provider.RedirectURI.ID(1), scope: .accounts,
            consent: Consent(
                id: "a consent that does not fit into a small string \(number)",
                accountID: "an account that does not fit either \(number)"), state: "state",
            expiresAt: time + StoreContract.lifetime)
    }

    @Test func everyCodeIsRedeemedOnceByTwoThreads() throws {
        let count: UInt64 = 20_000
        let store = Self.store()
        for number in 0..<count { store.insert(Self.code(number, at: 1)) { _ in } }
        let redeemed = Counter()
        let threads = try (0..<2).map { thread in
            try Worker(owning: store, named: "test") { store in
                for number in 0..<count {
                    let attempt = Redemption(
                        code: Self.code(number, at: 1).id, institution: Institution.ID(1),
                        provider: Provider.ID(1), redirectURI: Provider.RedirectURI.ID(1), now: 2,
                        token: Identifier(
                            issuedAt: 2, randomHigh: UInt16(thread), randomLow: number),
                        tokenExpiresAt: nil, authorisation: .full)
                    store.redeem(attempt) { result in
                        if case .success(.redeemed) = result { redeemed.add() }
                    }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(redeemed.value == Int(count))
        // The loser of each race is a replay, which revokes the winner's token.
        #expect(store.counts == (youngCodes: Int(count), oldCodes: 0, tokens: 0))
        while store.counts.youngCodes > 0 {
            store.removeExpired(now: 1001 + StoreContract.lifetime) { _ in }
        }
        #expect(store.counts == (youngCodes: 0, oldCodes: Int(count), tokens: 0))
    }

    private final class Counter: Sendable {
        private let count = Atomic(0)
        func add() { count.add(1, ordering: .relaxed) }
        var value: Int { count.load(ordering: .relaxed) }
    }

    @Test func fullStoreRefusesAndChangesNothing() {
        var limits = MemoryStore.Limits()
        limits.tokensMax = 0
        let store = Self.store(limits)
        let code = Self.code(1, at: 0)
        store.insert(code) { #expect((try? $0.get()) != nil) }
        let attempt = Redemption(
            code: code.id, institution: Institution.ID(1), provider: Provider.ID(1),
            redirectURI: Provider.RedirectURI.ID(1), now: 1, token: code.id, tokenExpiresAt: nil,
            authorisation: .full)
        store.redeem(attempt) { #expect($0 == .failure(.full)) }
        #expect(store.counts == (youngCodes: 1, oldCodes: 0, tokens: 0))
        limits.codesMax = 0
        Self.store(limits).insert(code) { result in
            guard case .failure(.full) = result else { return #expect(Bool(false), "\(result)") }
        }
    }

    @Test func aMillionExpiredCodesGiveTheirMemoryBack() throws {
        let store = Self.store()
        // Once round, so that what the allocator keeps for good is in the first measurement.
        for _ in 0..<2 { Self.fillAndExpire(store) { _ in } }
        // The memory is that of all tests, some of which run beside this one and need more meanwhile.
        var stayed: [String] = []
        for _ in 0..<5 {
            Machine.releaseFreeMemory()
            let before = Machine.residentBytes
            var full = 0
            Self.fillAndExpire(store) { full = $0 }
            Machine.releaseFreeMemory()
            let after = Machine.residentBytes
            #expect(full - before > 150_000_000, "the codes took \(full - before) bytes")
            if after - before < (full - before) / 10 { return }
            stayed.append("\(after - before) of \(full - before)")
        }
        Issue.record("stayed: \(stayed)")
    }

    private static func fillAndExpire(_ store: MemoryStore, _ full: (Int) -> Void) {
        for number in 0..<UInt64(1_000_000) {
            store.insert(code(number, at: Milliseconds(number / 50))) { _ in }
        }
        #expect(store.counts.youngCodes == 1_000_000)
        full(Machine.residentBytes)
        var isDone = false
        while !isDone {
            store.removeExpired(now: 20_000 + 1000 + StoreContract.lifetime) { result in
                isDone = (try? result.get()) == .some(nil)
            }
        }
        #expect(store.counts.youngCodes == 0)
    }
}
