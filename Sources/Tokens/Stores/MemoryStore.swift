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
        /// Young enough to be redeemed, used or not.
        public var codesMax = 16_000_000
        public var tokensMax = 16_000_000
        public var ccgTokensMax = 1_000_000
        public var revokedConsentsMax = 1_000_000
        public init() {}
    }

    private typealias Code = StoredCode<Identifier>

    private struct Codes {
        /// Codes young enough to be redeemed, used or not: redeeming changes them in place.
        var young: ExpiringTable<Code>
        /// Used codes that are older than that, to recognise a replay.
        var old: ExpiringTable<UsedCode<Identifier>>

        /// The used codes of an expired bucket move on, the others are forgotten.
        mutating func removeExpired(now: Milliseconds) -> [Code]? {
            guard let bucket = young.removeExpiredBucket(now: now) else { return nil }
            for code in bucket {
                guard case .used(let used) = code else { continue }
                old.insert(used)
            }
            return bucket
        }
    }

    /// A power of two. Enough that two loops seldom meet, and that no table is large to grow.
    private static let shardCount = 64
    private typealias Shards<Value> = InlineArray<64, Mutex<Value>>

    private let codes: Shards<Codes>
    private let tokens: Shards<ExpiringTable<AccessToken>>
    /// Few, and asked for once per request at most.
    private let ccgTokens: Mutex<ExpiringTable<CCGToken>>
    private let consents = RevokedConsents()
    private let limits: Limits

    /// - Parameters:
    ///   - codeLifetime: what every code gets.
    ///   - tokenLifetime: what every token gets; nil: they never expire.
    ///   - ccgTokenLifetime: what every CCG token gets.
    public init(
        codeLifetime: Milliseconds, tokenLifetime: Milliseconds?,
        ccgTokenLifetime: Milliseconds = IssuerSettings().ccgTokenLifetime,
        limits: Limits = Limits()
    ) {
        ccgTokens = Mutex(
            ExpiringTable(bucketMilliseconds: 60_000, lifetime: ccgTokenLifetime))
        self.limits = limits
        codes = InlineArray { _ in
            Mutex(
                Codes(
                    young: ExpiringTable(bucketMilliseconds: 1000, lifetime: codeLifetime),
                    old: ExpiringTable(
                        bucketMilliseconds: 1000,
                        lifetime: codeLifetime + ReplayMemory.milliseconds)))
        }
        // As long as its exchange can be repeated, however soon it expires.
        let keptToken = tokenLifetime.map { max($0, codeLifetime) }
        tokens = InlineArray { _ in
            Mutex(ExpiringTable(bucketMilliseconds: 4000, lifetime: keptToken))
        }
    }

    private static func shard(_ id: Identifier) -> Int {
        id.spread & (shardCount - 1)
    }

    public func insert(
        _ code: AuthorizationCode, completion: @escaping (Result<Void, StoreError>) -> Void
    ) {
        let isStored = codes[MemoryStore.shard(code.id)].withLock { codes in
            guard codes.young.count < limits.codesMax / MemoryStore.shardCount else { return false }
            consents.expect(code.id)
            codes.young.insert(.unused(code))
            return true
        }
        completion(isStored ? .success(()) : .failure(.full))
    }

    public func redeem(
        _ attempt: Redemption,
        completion: @escaping (Result<RedemptionOutcome, StoreError>) -> Void
    ) {
        completion(redeem(attempt))
    }

    public func redeemAtOnce(_ attempt: Redemption) -> Result<RedemptionOutcome, StoreError>? {
        redeem(attempt)
    }

    private func redeem(_ attempt: Redemption) -> Result<RedemptionOutcome, StoreError> {
        codes[MemoryStore.shard(attempt.code)].withLock { redeem(attempt, &$0) }
    }

    /// Runs under the lock of the code's shard, which makes it one step for every other attempt.
    private func redeem(
        _ attempt: Redemption, _ codes: inout Codes
    ) -> Result<RedemptionOutcome, StoreError> {
        let young = codes.young.update(attempt.code) { young in
            redeem(attempt, &young)
        }
        if let young { return young }
        guard let old = codes.old[attempt.code] else { return .success(.refused(.unknown)) }
        switch old.verdict(on: attempt) {
        case .admitted: preconditionFailure("a used code is never admitted")
        case .refused(let refusal): return .success(.refused(refusal))
        case .replayed(let token): return replayed(token, attempt)
        case .repeated(let token, let proven): return repeated(token, proven, old.state, attempt)
        }
    }

    private func redeem(
        _ attempt: Redemption, _ code: inout Code
    ) -> Result<RedemptionOutcome, StoreError> {
        switch code.verdict(on: attempt, consentRevokedUntil: consents.moment(ofConsentOf: code)) {
        case .admitted: return spend(&code, attempt)
        case .refused(let refusal): return .success(code.outcome(refusal, of: attempt))
        case .replayed(let token): return replayed(token, attempt)
        case .repeated(let token, let proven):
            return repeated(token, proven, code.state, attempt)
        }
    }

    private func spend(
        _ code: inout Code, _ attempt: Redemption
    ) -> Result<RedemptionOutcome, StoreError> {
        tokens[MemoryStore.shard(attempt.token)].withLock { tokens in
            guard tokens.count < limits.tokensMax / MemoryStore.shardCount else {
                return .failure(.full)
            }
            // What the code grants moves to the token. Shared, it would have to be counted, and
            // to be fetched from far memory for that.
            var spent = Code.used(
                UsedCode(
                    id: attempt.code, institution: attempt.institution, token: attempt.token,
                    state: attempt.proof == nil ? nil : code.state))
            swap(&spent, &code)
            guard case .unused(let unused) = consume spent else {
                preconditionFailure("it was unused, and nobody else has the lock")
            }
            let (token, state) = unused.spent(on: attempt)
            let consent = attempt.isAudited ? token.consent : nil
            tokens.insert(token)
            return .success(.redeemed(state: state, consent: consent))
        }
    }

    private func replayed(
        _ token: Identifier, _ attempt: Redemption
    ) -> Result<RedemptionOutcome, StoreError> {
        tokens[MemoryStore.shard(token)].withLock { tokens in
            defer { tokens.remove(token) }
            return .success(attempt.replayed(.identifier(token), of: tokens[token]?.consent.id))
        }
    }

    /// Gives the token again, where nobody has revoked it.
    private func repeated(
        _ id: Identifier, _ proven: ProvenToken, _ state: String?, _ attempt: Redemption
    ) -> Result<RedemptionOutcome, StoreError> {
        let token = tokens[MemoryStore.shard(id)].withLock { $0[id] }
        guard let token, !consents.cover(token) else { return replayed(id, attempt) }
        return .success(
            .repeated(
                RepeatedExchange(
                    token: proven, scope: token.scope, state: state,
                    consent: attempt.isAudited ? token.consent : nil,
                    tokenExpiresAt: token.expiresAt)))
    }

    public func token(
        _ id: Identifier, now: Milliseconds,
        completion: @escaping (Result<AccessToken?, StoreError>) -> Void
    ) {
        completion(.success(active(id, now)))
    }

    public func tokenAtOnce(
        _ id: Identifier, now: Milliseconds
    ) -> Result<AccessToken?, StoreError>? {
        .success(active(id, now))
    }

    private func active(_ id: Identifier, _ now: Milliseconds) -> AccessToken? {
        let token = tokens[MemoryStore.shard(id)].withLock { $0[id] }
        guard let token, token.isActive(at: now), !consents.cover(token) else { return nil }
        return token
    }

    public func revoke(
        _ candidates: [Identifier], of institutions: Set<Institution.ID>,
        completion: @escaping (Result<AccessToken?, StoreError>) -> Void
    ) {
        for id in candidates {
            let revoked: AccessToken? = tokens[MemoryStore.shard(id)].withLock { tokens in
                guard let token = tokens[id], institutions.contains(token.institution) else {
                    return nil
                }
                tokens.remove(id)
                return token
            }
            if let revoked { return completion(.success(revoked)) }
        }
        completion(.success(nil))
    }

    public func revoke(
        _ consent: ConsentRevocation, now: Milliseconds,
        completion: @escaping (Result<Void, StoreError>) -> Void
    ) {
        let isStored = consents.revoke(
            consent, now: now, atMost: limits.revokedConsentsMax)
        completion(isStored ? .success(()) : .failure(.full))
    }

    public func insert(
        _ token: CCGToken, completion: @escaping (Result<Void, StoreError>) -> Void
    ) {
        let isStored = ccgTokens.withLock { tokens in
            guard tokens.count < limits.ccgTokensMax else { return false }
            tokens.insert(token)
            return true
        }
        completion(isStored ? .success(()) : .failure(.full))
    }

    public func ccgToken(
        _ id: Identifier, completion: @escaping (Result<CCGToken?, StoreError>) -> Void
    ) {
        completion(.success(ccgTokens.withLock { $0[id] }))
    }

    /// Drops at most one bucket of each kind and shard.
    public func removeExpired(
        now: Milliseconds, completion: @escaping (Result<Milliseconds?, StoreError>) -> Void
    ) {
        let ccgTokens = ccgTokens.withLock { tokens in
            (tokens.removeExpiredBucket(now: now), tokens.nextExpiry)
        }
        var next = ccgTokens.1
        var oldest: Milliseconds?
        for shard in 0..<MemoryStore.shardCount {
            // The buckets are taken out under the lock and freed behind it.
            let codes = codes[shard].withLock { codes in
                (
                    codes.removeExpired(now: now), codes.old.removeExpiredBucket(now: now),
                    [codes.young.nextExpiry, codes.old.nextExpiry], codes.young.oldest
                )
            }
            let tokens = tokens[shard].withLock { tokens in
                (tokens.removeExpiredBucket(now: now), tokens.nextExpiry, tokens.oldest)
            }
            oldest = [oldest, codes.3, tokens.2].compactMap { $0 }.min()
            for candidate in codes.2 + [tokens.1] {
                guard let candidate else { continue }
                next = min(next ?? candidate, candidate)
            }
        }
        if consents.removeOutlived(oldest: oldest, now: now) {
            next = min(next ?? .max, now + MemoryStore.consentPause)
        }
        completion(.success(next))
    }

    /// How soon after one look at the revoked consents the next is worth while.
    private static let consentPause: Milliseconds = 60_000

    /// Memory does not fail.
    public var isAvailable: Bool { true }

    /// Nothing is held for a thread, and nothing is ever under way.
    public func close() {}

    /// How many are held: codes young enough to be redeemed, used or not; older used codes; tokens.
    public var counts: (youngCodes: Int, oldCodes: Int, tokens: Int) {
        var sum = (youngCodes: 0, oldCodes: 0, tokens: 0)
        for shard in 0..<MemoryStore.shardCount {
            codes[shard].withLock { codes in
                sum.youngCodes += codes.young.count
                sum.oldCodes += codes.old.count
            }
            tokens[shard].withLock { sum.tokens += $0.count }
        }
        return sum
    }
}
