// Codes and tokens in memory, shared by all event loops, gone with the process.

import Synchronization

/// A store without a disk. Any thread; completions run before the call returns.
///
/// Cut into shards by random bits of the identifier, each behind a lock of its own that is held for
/// about 100 ns. A code's shard is locked before a token's, never the other way round.
public final class MemoryStore: TokenStore, Sendable {
    /// How much is kept at the most; beyond that new codes and tokens are refused with
    /// `StoreError.full`.
    public struct Limits: Sendable {
        public var codesMax = 16_000_000
        public var usedCodesMax = 16_000_000
        public var tokensMax = 16_000_000
        public init() {}
    }

    private struct UsedCode {
        let institution: Institution.ID
        let token: Identifier
    }

    private struct Codes {
        var live: ExpiringTable<AuthorizationCode>
        var used: ExpiringTable<UsedCode>
    }

    /// A power of two. Enough that two loops seldom meet, and that no table is large to grow.
    private static let shardCount = 64

    /// A lock is not copyable, so each stands in an object.
    private final class Locked<Value>: Sendable {
        let mutex: Mutex<Value>
        init(_ value: sending Value) { mutex = Mutex(value) }
    }

    private let codes: [Locked<Codes>]
    private let tokens: [Locked<ExpiringTable<AccessToken>>]
    private let limits: Limits

    /// - Parameters:
    ///   - codeLifetime: what every code gets.
    ///   - tokenLifetime: what every token gets; nil: they never expire.
    public init(
        codeLifetime: Milliseconds, tokenLifetime: Milliseconds?, limits: Limits = Limits()
    ) {
        self.limits = limits
        codes = (0..<MemoryStore.shardCount).map { _ in
            Locked(
                Codes(
                    live: ExpiringTable(bucketMilliseconds: 1000, lifetime: codeLifetime),
                    used: ExpiringTable(
                        bucketMilliseconds: 1000,
                        lifetime: codeLifetime + ReplayMemory.milliseconds)))
        }
        tokens = (0..<MemoryStore.shardCount).map { _ in
            Locked(ExpiringTable(bucketMilliseconds: 4000, lifetime: tokenLifetime))
        }
    }

    private static func shard(_ id: Identifier) -> Int {
        id.spread & (shardCount - 1)
    }

    public func insert(
        _ code: AuthorizationCode, completion: @escaping (Result<Void, StoreError>) -> Void
    ) {
        let isStored = codes[MemoryStore.shard(code.id)].mutex.withLock { codes in
            guard codes.live.count < limits.codesMax / MemoryStore.shardCount else { return false }
            codes.live.insert(code, code.id)
            return true
        }
        completion(isStored ? .success(()) : .failure(.full))
    }

    public func redeem(
        _ attempt: Redemption,
        completion: @escaping (Result<RedemptionOutcome, StoreError>) -> Void
    ) {
        completion(
            codes[MemoryStore.shard(attempt.code)].mutex.withLock { codes in
                redeem(attempt, &codes)
            })
    }

    /// Runs under the lock of the code's shard, which makes it one step for every other attempt.
    private func redeem(
        _ attempt: Redemption, _ codes: inout Codes
    ) -> Result<RedemptionOutcome, StoreError> {
        guard let code = codes.live[attempt.code] else {
            guard let used = codes.used[attempt.code] else { return .success(.refused(.unknown)) }
            guard used.institution == attempt.institution else {
                return .success(.refused(.otherInstitution))
            }
            tokens[MemoryStore.shard(used.token)].mutex.withLock { _ = $0.remove(used.token) }
            return .success(.refused(.used))
        }
        if let refusal = code.refusal(of: attempt) { return .success(.refused(refusal)) }
        guard codes.used.count < limits.usedCodesMax / MemoryStore.shardCount else {
            return .failure(.full)
        }
        let isStored = tokens[MemoryStore.shard(attempt.token)].mutex.withLock { tokens in
            guard tokens.count < limits.tokensMax / MemoryStore.shardCount else { return false }
            tokens.insert(code.token(for: attempt), attempt.token)
            return true
        }
        guard isStored else { return .failure(.full) }
        codes.live.remove(attempt.code)
        codes.used.insert(
            UsedCode(institution: code.institution, token: attempt.token), attempt.code)
        return .success(.redeemed(state: code.state))
    }

    public func token(
        _ id: Identifier, now: Milliseconds,
        completion: @escaping (Result<AccessToken?, StoreError>) -> Void
    ) {
        let token = tokens[MemoryStore.shard(id)].mutex.withLock { $0[id] }
        completion(.success(token.flatMap { $0.isActive(at: now) ? $0 : nil }))
    }

    /// Drops at most one bucket of each kind and shard.
    public func removeExpired(
        now: Milliseconds, completion: @escaping (Result<Milliseconds?, StoreError>) -> Void
    ) {
        var next: Milliseconds?
        for shard in 0..<MemoryStore.shardCount {
            // The buckets are taken out under the lock and freed behind it.
            let codes = codes[shard].mutex.withLock { codes in
                (
                    codes.live.removeExpiredBucket(now: now),
                    codes.used.removeExpiredBucket(now: now),
                    [codes.live.nextExpiry, codes.used.nextExpiry]
                )
            }
            let tokens = tokens[shard].mutex.withLock { tokens in
                (tokens.removeExpiredBucket(now: now), tokens.nextExpiry)
            }
            for candidate in codes.2 + [tokens.1] {
                guard let candidate else { continue }
                next = min(next ?? candidate, candidate)
            }
        }
        completion(.success(next))
    }

    /// How many codes can still be redeemed or recognised, and tokens asked for.
    public var counts: (codes: Int, usedCodes: Int, tokens: Int) {
        var sum = (codes: 0, usedCodes: 0, tokens: 0)
        for shard in 0..<MemoryStore.shardCount {
            codes[shard].mutex.withLock { codes in
                sum.codes += codes.live.count
                sum.usedCodes += codes.used.count
            }
            tokens[shard].mutex.withLock { sum.tokens += $0.count }
        }
        return sum
    }
}
