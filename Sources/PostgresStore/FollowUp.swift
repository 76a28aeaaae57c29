// What is done for attempts under idempotency keys whose code is used, once its row was judged: the token is
// given again, or revoked. Not in the question itself, since only the verdict can tell which.

import Tokens

/// What is left to do for an attempt under an idempotency key, once the row of its code was judged.
struct FollowUp {
    enum Kind {
        /// The attempt is answered with the token; nobody may undo it from now on.
        case give(RepeatedExchange)
        /// It is a replay. With the consent for the audit log, where the token was there.
        case revoke(consentID: String?)
    }

    let change: PendingChange
    let attempt: Redemption
    let token: TokenKey
    let kind: Kind

    var isGift: Bool { if case .give = kind { true } else { false } }

    /// Of each code one, since a statement changes a row once: one question has found the same token for all.
    static func gifts(_ all: [FollowUp]) -> [FollowUp] {
        var codes: Set<Identifier> = []
        return all.filter { $0.isGift && codes.insert($0.attempt.code).inserted }
    }

    /// One transaction. Both parts come in the order of the codes.
    static func steps(_ all: [FollowUp]) -> [Step] {
        let (gifts, revoked) = (gifts(all), all.filter { !$0.isGift })
        var steps: [Step] = []
        if !gifts.isEmpty {
            var parameters = Parameters(reserving: 128 * gifts.count)
            parameters.add(numbers: gifts) { $0.attempt.code.issuedAt }
            parameters.add(digests: gifts) { $0.attempt.code }
            parameters.add(bytes: gifts) { $0.token.digest }
            steps.append(Step(.give, parameters))
        }
        if !revoked.isEmpty {
            var parameters = Parameters(reserving: 128 * revoked.count)
            parameters.add(numbers: revoked) { $0.token.issuedAt }
            parameters.add(bytes: revoked) { $0.token.digest }
            parameters.add(bytes: revoked, isText: true) {
                "{\($0.attempt.institution.number)}".utf8
            }
            steps.append(Step(.revokeTokens, parameters))
        }
        return steps
    }
}

extension WriteSlot {
    /// - Parameter all: of `batch`.
    func follow(_ all: [FollowUp], _ batch: WriteBatch, _ link: Link) {
        let waiting = all.filter { followUp in
            // Nobody waits for it, and its code stands as it did.
            if followUp.change.isAnswered { settle(followUp.change, .failure(.unavailable)) }
            return !followUp.change.isAnswered
        }
        guard !waiting.isEmpty else { return }
        self.batch = batch
        // What is revoked may have been revoked by another just now.
        link.run(FollowUp.steps(waiting) + [nodeStep]) { [self] outcome in
            if let results = noted(outcome, isRequest: true) {
                self.batch = nil
                read(results, waiting)
            } else {
                failed(batch, waiting.map(\.change), outcome, link)
            }
            afterwards()
        }
    }

    private func read(_ results: [ServerResult], _ all: [FollowUp]) {
        var given: Set<Identifier> = []
        let gifts = FollowUp.gifts(all)
        if let result = results.first, !gifts.isEmpty {
            for row in 0..<result.rowCount {
                // Counted from 1.
                let index = Int(result.number(row, 0)) - 1
                if gifts.indices.contains(index) { given.insert(gifts[index].attempt.code) }
            }
        }
        for followUp in all {
            let consentID: String?
            switch followUp.kind {
            case .revoke(let id): consentID = id
            case .give(let exchange):
                if given.contains(followUp.attempt.code) {
                    settle(followUp.change, .success(.redeemed(.repeated(exchange))))
                } else {
                    // It was undone in between, and may have been spent again.
                    spendAgain(followUp.change)
                }
                continue
            }
            let outcome = followUp.attempt.replayed(
                .digest(followUp.token.digest), of: consentID)
            replayed(followUp.change, followUp.attempt, outcome, followUp.token.issuedAt)
        }
    }
}
