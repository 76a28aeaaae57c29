// What every store does with codes and tokens.

import Tokens

extension StoreContract {
    func codeIsSpentOnce() throws {
        let (store, code) = try stored()
        let first = try redeem(store, attempt(code, at: start))
        try check(first == .redeemed(state: "s"), "the first attempt said \(first)")
        let token = try token(store, 1000, at: start)
        try check(token?.consent == code.consent, "the token has another consent")
        try check(token?.scope == .payments, "the token has another scope")
        let second = try redeem(store, attempt(code, at: start, token: 1001))
        try check(second == .refused(.used), "the second attempt said \(second)")
        try check(try self.token(store, 1001, at: start) == nil, "a refused attempt made a token")
    }

    /// All are under way before any is answered, as far as the store answers later.
    func oneOfManyAttemptsAtOnceWins() throws {
        let (store, code) = try stored()
        var outcomes: [Result<RedemptionOutcome, StoreError>] = []
        let count = 100
        for number in 0..<UInt64(count) {
            store.redeem(attempt(code, at: start, token: 1000 + number)) { outcomes.append($0) }
        }
        for _ in 0..<100_000 where outcomes.count < count { wait() }
        try check(outcomes.count == count, "\(outcomes.count) of \(count) were answered")
        let won = outcomes.filter { $0 == .success(.redeemed(state: "s")) }.count
        let used = outcomes.filter { $0 == .success(.refused(.used)) }.count
        try check(won == 1 && used == count - 1, "\(won) won and \(used) were told it is used")
        for number in 0..<UInt64(count) {
            let token = try token(store, 1000 + number, at: start)
            try check(token == nil, "the replays left a token active")
        }
    }

    func answersComeInOrder() throws {
        let store = try makeFaces()[0]
        var order: [UInt64] = []
        for number in 0..<UInt64(200) {
            store.insert(code(number, at: start)) { _ in order.append(number) }
        }
        for _ in 0..<100_000 where order.count < 200 { wait() }
        try check(order == Array(0..<200), "answers came in another order")
    }

    func unknownCodeIsRefused() throws {
        let (store, _) = try stored()
        let outcome = try redeem(store, attempt(code(2, at: start), at: start))
        try check(outcome == .refused(.unknown), "an unknown code said \(outcome)")
    }

    func codeExpiresAtItsLifetime() throws {
        let (store, code) = try stored()
        let end = start + StoreContract.lifetime
        let late = try redeem(store, attempt(code, at: end))
        try check(late == .refused(.expired), "at the lifetime's end it said \(late)")
        let inTime = try redeem(store, attempt(code, at: end - 1))
        try check(inTime == .redeemed(state: "s"), "a millisecond before, it said \(inTime)")
    }

    func wrongAttemptSpendsNothing() throws {
        let (store, code) = try stored()
        let wrong: [(Redemption, CodeRefusal)] = [
            (attempt(code, at: start, institution: 2), .otherInstitution),
            (attempt(code, at: start, provider: 2), .otherProvider),
            (attempt(code, at: start, redirectURI: 2), .otherRedirectURI),
            (attempt(code, at: start, redirectURI: nil), .otherRedirectURI),
        ]
        for (attempt, refusal) in wrong {
            let outcome = try redeem(store, attempt)
            try check(outcome == .refused(refusal), "\(refusal) said \(outcome)")
        }
        // The audit log wants to know which redirect URI would have been right, and only then.
        for (uri, provider) in [(2, 1), (nil, 1), (2, 2)] as [(UInt32?, UInt32)] {
            let outcome = try redeem(
                store,
                attempt(code, at: start, provider: provider, redirectURI: uri, isAudited: true))
            let expected: RedemptionOutcome =
                provider == 1
                ? .refused(.otherRedirectURI, madeWith: code.redirectURI) : .refused(.otherProvider)
            try check(outcome == expected, "audited, it said \(outcome)")
        }
        let right = try redeem(store, attempt(code, at: start))
        try check(
            right == .redeemed(state: "s"), "after wrong attempts the right one said \(right)")
    }

    func replayRevokesTheToken() throws {
        for wrong in [
            attempt(code(1, at: start), at: start + 5, token: 2),
            attempt(code(1, at: start), at: start + 5, provider: 7, redirectURI: nil, token: 2),
        ] {
            let (store, code) = try stored()
            _ = try redeem(store, attempt(code, at: start))
            for _ in 0..<2 {
                let replay = try redeem(store, wrong)
                try check(replay == .refused(.used), "a replay said \(replay)")
                try check(
                    try token(store, 1000, at: start) == nil, "a replay left the token active")
            }
        }
    }

    /// The one that has revoked the token, so that the audit log finds it by the consent; and only
    /// where there is one.
    func replayNamesTheConsent() throws {
        for isAudited in [true, false] {
            let (store, code) = try stored()
            _ = try redeem(store, attempt(code, at: start))
            for isFirst in [true, false] {
                let replay = try redeem(
                    store, attempt(code, at: start, token: 2, isAudited: isAudited))
                guard case .refused(.used, let revoked, nil) = replay else {
                    throw ContractViolation("a replay said \(replay)")
                }
                try check((revoked != nil) == isAudited, "it named \(String(describing: revoked))")
                let consentID = isAudited && isFirst ? code.consent.id : nil
                try check(
                    revoked?.consentID == consentID,
                    "it named the consent \(revoked?.consentID ?? "none")")
            }
        }
    }

    func foreignReplay() throws {
        let (store, code) = try stored()
        _ = try redeem(store, attempt(code, at: start))
        let replay = try redeem(store, attempt(code, at: start, institution: 2))
        try check(replay == .refused(.otherInstitution), "a foreign replay said \(replay)")
        try check(try token(store, 1000, at: start) != nil, "a foreign replay revoked the token")
    }

    func tokenIsActiveUntilItExpires() throws {
        let (store, code) = try stored()
        _ = try redeem(store, attempt(code, at: start))
        let end = start + StoreContract.tokenLifetime
        try check(
            try token(store, 1000, at: start, now: end - 1) != nil, "it ended before its time")
        try check(try token(store, 1000, at: start, now: end) == nil, "it outlived its time")
    }

    func usedCodeIsRemembered() throws {
        let (store, code) = try stored()
        let used = start + StoreContract.lifetime - 1
        _ = try redeem(store, attempt(code, at: used))
        let later = used + ReplayMemory.milliseconds
        try expire(store, at: later)
        let replay = try redeem(store, attempt(code, at: later, token: 2))
        try check(replay == .refused(.used), "ten minutes later a replay said \(replay)")
        try check(try token(store, 1000, at: used) == nil, "a late replay left the token active")
    }

    func ccgTokenIsKept() throws {
        let store = try makeStore()
        let token = CCGToken(
            id: identifier(7, at: start), institution: Institution.ID(3), provider: Provider.ID(4),
            expiresAt: start + 3_600_000)
        try answer { store.insert(token, completion: $0) }
        let found: CCGToken? = try answer { store.ccgToken(token.id, completion: $0) }
        try check(found?.institution == token.institution, "it has another institution")
        try check(found?.provider == token.provider, "it has another provider")
        try check(found?.expiresAt == token.expiresAt, "it has another expiry")
        let other: CCGToken? = try answer {
            store.ccgToken(identifier(8, at: start), completion: $0)
        }
        try check(other == nil, "an unknown CCG token was found")
        let asToken: AccessToken? = try self.token(store, 7, at: start)
        try check(asToken == nil, "a CCG token passes for an access token")
        try expire(store, at: start + 3_600_000 + 120_000)
        let late: CCGToken? = try answer { store.ccgToken(token.id, completion: $0) }
        try check(late == nil, "an expired CCG token was kept")
    }

    func expiredCodesAreForgotten() throws {
        let (store, code) = try stored()
        try expire(store, at: start + StoreContract.lifetime - 1)
        let young = try redeem(store, attempt(code, at: start))
        try check(young == .redeemed(state: "s"), "a young code was forgotten")
        let other = self.code(2, at: start)
        try answer { store.insert(other, completion: $0) }
        // A store may keep them as long as it must keep used ones.
        let forgotten = start + StoreContract.lifetime + ReplayMemory.milliseconds + 5_000
        let next = try expire(store, at: forgotten)
        try check(next != nil, "a store with a token has nothing to expire")
        let late = try redeem(store, attempt(other, at: start))
        try check(late == .refused(.unknown), "an expired code was kept: \(late)")
    }

    /// Calls until nothing is due; returns when the next is.
    @discardableResult
    func expire(_ store: any TokenStore, at now: Milliseconds) throws -> Milliseconds? {
        for _ in 0..<10_000 {
            let next: Milliseconds? = try answer { store.removeExpired(now: now, completion: $0) }
            if next ?? .max > now { return next }
        }
        throw ContractViolation("expiry never ended")
    }
}
