// The store in memory, which may let its answers wait.

import Tokens

@testable import Server

final class HeldStore: TokenStore {
    typealias Completion<Value> = (Result<Value, StoreError>) -> Void

    var isHeld: Bool
    private let store = MemoryStore(codeLifetime: 60_000, tokenLifetime: 1_000_000_000)
    private var held: [() -> Void] = []

    init(isHeld: Bool) { self.isHeld = isHeld }

    private func answer(_ work: @escaping () -> Void) {
        if isHeld { held.append(work) } else { work() }
    }

    /// Gives all answers that wait.
    func answerAll() {
        let waiting = held
        held = []
        for answer in waiting { answer() }
    }

    func insert(_ code: AuthorizationCode, completion: @escaping Completion<Void>) {
        answer { [store] in store.insert(code, completion: completion) }
    }

    func redeem(_ attempt: Redemption, completion: @escaping Completion<RedemptionOutcome>) {
        answer { [store] in store.redeem(attempt, completion: completion) }
    }

    func redeemAtOnce(_ attempt: Redemption) -> Result<RedemptionOutcome, StoreError>? {
        isHeld ? nil : store.redeemAtOnce(attempt)
    }

    func tokenAtOnce(_ id: Identifier, now: Milliseconds) -> Result<AccessToken?, StoreError>? {
        isHeld ? nil : store.tokenAtOnce(id, now: now)
    }

    func token(
        _ id: Identifier, now: Milliseconds, completion: @escaping Completion<AccessToken?>
    ) {
        answer { [store] in store.token(id, now: now, completion: completion) }
    }

    func revoke(
        _ candidates: [Identifier], of institutions: Set<Institution.ID>,
        completion: @escaping Completion<AccessToken?>
    ) {
        answer { [store] in store.revoke(candidates, of: institutions, completion: completion) }
    }

    func revoke(
        _ consent: ConsentRevocation, now: Milliseconds, completion: @escaping Completion<Void>
    ) {
        answer { [store] in store.revoke(consent, now: now, completion: completion) }
    }

    func insert(_ token: CCGToken, completion: @escaping Completion<Void>) {
        answer { [store] in store.insert(token, completion: completion) }
    }

    func ccgToken(_ id: Identifier, completion: @escaping Completion<CCGToken?>) {
        answer { [store] in store.ccgToken(id, completion: completion) }
    }

    func removeExpired(now: Milliseconds, completion: @escaping Completion<Milliseconds?>) {
        store.removeExpired(now: now, completion: completion)
    }

    var isAvailable: Bool { true }

    func close() {}
}
