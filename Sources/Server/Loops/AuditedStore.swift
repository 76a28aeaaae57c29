// A store that begins nothing while the audit log could not say so: then codes stay good, instead of
// being spent for answers that are held back.

import Tokens

/// A loop's face of a store, behind the loop's gate of the audit log. Its thread only.
final class AuditedStore: TokenStore {
    private let store: any TokenStore
    private let gate: any AuditGate

    init(_ store: any TokenStore, _ gate: any AuditGate) {
        self.store = store
        self.gate = gate
    }

    /// Refuses, or begins.
    private func change<Value>(
        _ completion: @escaping (Result<Value, StoreError>) -> Void,
        _ begin: (@escaping (Result<Value, StoreError>) -> Void) -> Void
    ) {
        guard gate.isOpen else { return completion(.failure(.unavailable)) }
        begin(completion)
    }

    func insert(
        _ code: AuthorizationCode, completion: @escaping (Result<Void, StoreError>) -> Void
    ) {
        change(completion) { store.insert(code, completion: $0) }
    }

    func redeem(
        _ attempt: Redemption, completion: @escaping (Result<RedemptionOutcome, StoreError>) -> Void
    ) {
        change(completion) { store.redeem(attempt, completion: $0) }
    }

    func redeemAtOnce(_ attempt: Redemption) -> Result<RedemptionOutcome, StoreError>? {
        gate.isOpen ? store.redeemAtOnce(attempt) : .failure(.unavailable)
    }

    func revoke(
        _ candidates: [Identifier], of institutions: Set<Institution.ID>,
        completion: @escaping (Result<AccessToken?, StoreError>) -> Void
    ) {
        change(completion) { store.revoke(candidates, of: institutions, completion: $0) }
    }

    func revoke(
        _ consent: ConsentRevocation, now: Milliseconds,
        completion: @escaping (Result<Void, StoreError>) -> Void
    ) {
        change(completion) { store.revoke(consent, now: now, completion: $0) }
    }

    func insert(
        _ token: CCGToken, completion: @escaping (Result<Void, StoreError>) -> Void
    ) {
        change(completion) { store.insert(token, completion: $0) }
    }

    func token(
        _ id: Identifier, now: Milliseconds,
        completion: @escaping (Result<AccessToken?, StoreError>) -> Void
    ) {
        store.token(id, now: now, completion: completion)
    }

    func tokenAtOnce(
        _ id: Identifier, now: Milliseconds
    ) -> Result<AccessToken?, StoreError>? {
        store.tokenAtOnce(id, now: now)
    }

    func ccgToken(
        _ id: Identifier, completion: @escaping (Result<CCGToken?, StoreError>) -> Void
    ) {
        store.ccgToken(id, completion: completion)
    }

    func removeExpired(
        now: Milliseconds, completion: @escaping (Result<Milliseconds?, StoreError>) -> Void
    ) {
        store.removeExpired(now: now, completion: completion)
    }

    var isAvailable: Bool { store.isAvailable && gate.isOpen }

    func close() {
        store.close()
        gate.close()
    }
}
