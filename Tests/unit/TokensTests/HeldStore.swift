// A store that says nothing until it is told to.

@testable import Tokens

/// A store that answers when told to.
final class HeldStore: TokenStore {
    var held: [() -> Void] = []
    let store = MemoryStore(codeLifetime: 60_000, tokenLifetime: nil)
    var failure: StoreError?
    /// How often somebody has asked for a token.
    var lookUps = 0

    func insert(
        _ code: AuthorizationCode, completion: @escaping (Result<Void, StoreError>) -> Void
    ) {
        held.append { [self] in
            if let failure { return completion(.failure(failure)) }
            store.insert(code, completion: completion)
        }
    }

    func redeem(
        _ attempt: Redemption, completion: @escaping (Result<RedemptionOutcome, StoreError>) -> Void
    ) {
        held.append { [self] in
            if let failure { return completion(.failure(failure)) }
            store.redeem(attempt, completion: completion)
        }
    }

    func token(
        _ id: Identifier, now: Milliseconds,
        completion: @escaping (Result<AccessToken?, StoreError>) -> Void
    ) {
        lookUps += 1
        store.token(id, now: now, completion: completion)
    }

    func revoke(
        _ candidates: [Identifier], of institutions: Set<Institution.ID>,
        completion: @escaping (Result<AccessToken?, StoreError>) -> Void
    ) {
        store.revoke(candidates, of: institutions, completion: completion)
    }

    func revoke(
        _ consent: ConsentRevocation, now: Milliseconds,
        completion: @escaping (Result<Void, StoreError>) -> Void
    ) {
        store.revoke(consent, now: now, completion: completion)
    }

    func insert(_ token: CCGToken, completion: @escaping (Result<Void, StoreError>) -> Void) {
        store.insert(token, completion: completion)
    }

    func ccgToken(
        _ id: Identifier, completion: @escaping (Result<CCGToken?, StoreError>) -> Void
    ) {
        store.ccgToken(id, completion: completion)
    }

    var isAvailable: Bool { failure == nil }
    func close() {}

    func removeExpired(
        now: Milliseconds, completion: @escaping (Result<Milliseconds?, StoreError>) -> Void
    ) {
        store.removeExpired(now: now, completion: completion)
    }
}
