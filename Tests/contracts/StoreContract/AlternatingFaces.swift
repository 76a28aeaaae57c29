// Several faces of one store, as one.

import Tokens

/// Asks each face in its turn, and at once where it can, as an issuer does. Whoever waits for one answer before
/// the next question so sees whether the faces agree.
final class AlternatingFaces: TokenStore {
    private let faces: [any TokenStore]
    private var asked = 0

    init(_ faces: [any TokenStore]) { self.faces = faces }

    private func next() -> any TokenStore {
        asked += 1
        return faces[asked % faces.count]
    }

    func insert(
        _ code: AuthorizationCode, completion: @escaping (Result<Void, StoreError>) -> Void
    ) {
        next().insert(code, completion: completion)
    }

    func redeem(
        _ attempt: Redemption, completion: @escaping (Result<RedemptionOutcome, StoreError>) -> Void
    ) {
        let face = next()
        if let result = face.redeemAtOnce(attempt) { return completion(result) }
        face.redeem(attempt, completion: completion)
    }

    func token(
        _ id: Identifier, now: Milliseconds,
        completion: @escaping (Result<AccessToken?, StoreError>) -> Void
    ) {
        let face = next()
        if let result = face.tokenAtOnce(id, now: now) { return completion(result) }
        face.token(id, now: now, completion: completion)
    }

    func revoke(
        _ candidates: [Identifier], of institutions: Set<Institution.ID>,
        completion: @escaping (Result<AccessToken?, StoreError>) -> Void
    ) {
        next().revoke(candidates, of: institutions, completion: completion)
    }

    func revoke(
        _ consent: ConsentRevocation, now: Milliseconds,
        completion: @escaping (Result<Void, StoreError>) -> Void
    ) {
        next().revoke(consent, now: now, completion: completion)
    }

    func insert(_ token: CCGToken, completion: @escaping (Result<Void, StoreError>) -> Void) {
        next().insert(token, completion: completion)
    }

    func ccgToken(
        _ id: Identifier, completion: @escaping (Result<CCGToken?, StoreError>) -> Void
    ) {
        next().ccgToken(id, completion: completion)
    }

    func removeExpired(
        now: Milliseconds, completion: @escaping (Result<Milliseconds?, StoreError>) -> Void
    ) {
        next().removeExpired(now: now, completion: completion)
    }

    var isAvailable: Bool { faces.allSatisfy(\.isAvailable) }

    func close() {
        for face in faces { face.close() }
    }
}
