// What every store does when a consent is revoked.

import Tokens

extension StoreContract {
    static var consentRules: [(name: String, run: (StoreContract) throws -> Void)] {
        [
            ("revokedConsentTakesItsCodes", { try $0.revokedConsentTakesItsCodes() }),
            ("revokedConsentTakesItsTokens", { try $0.revokedConsentTakesItsTokens() }),
            ("revokedConsentCoversWhatIsThere", { try $0.revokedConsentCoversWhatIsThere() }),
            ("consentsMomentOnlyRises", { try $0.consentsMomentOnlyRises() }),
            ("revocationMeetsExchanges", { try $0.revocationMeetsExchanges() }),
            ("revocationLastsAsLongAsTokens", { try $0.revocationLastsAsLongAsTokens() }),
        ]
    }

    private func withdraw(
        _ store: any TokenStore, _ consentID: String = "consent", at institution: UInt32? = 1,
        now: Milliseconds? = nil
    ) throws {
        let consent = ConsentRevocation(
            consentID: consentID, institution: institution.map { Institution.ID($0) })
        try answer { store.revoke(consent, now: now ?? start, completion: $0) }
    }

    /// A code of that moment, or before, is refused; a later one, and whoever else's, is not.
    private func revokedConsentTakesItsCodes() throws {
        let cases: [(consent: String, institution: UInt32?, at: Milliseconds, isRefused: Bool)] = [
            ("consent", 1, start, true), ("consent", nil, start, true),
            ("consent", 1, start - 1, true), ("consent", 1, start + 1, false),
            ("consent", nil, start + 1, false), ("consent", 2, start, false),
            ("Consent", 1, start, false), ("consent ", nil, start, false),
        ]
        for (consent, institution, made, isRefused) in cases {
            let store = try makeStore()
            try withdraw(store, consent, at: institution)
            let code = code(1, at: made)
            try answer { store.insert(code, completion: $0) }
            let outcome = try redeem(store, attempt(code, at: start + 2))
            let expected: RedemptionOutcome =
                isRefused ? .refused(.revoked) : .redeemed(state: "s")
            try check(
                outcome == expected,
                "\(consent) at \(institution as Any), a code of \(made - start): \(outcome)")
            let isThere = try token(store, 1000, at: start + 2) != nil
            try check(isThere == !isRefused, "a refused attempt made a token, or none was made")
        }
    }

    /// By when the code was made, however late it was exchanged.
    private func revokedConsentTakesItsTokens() throws {
        let cases: [(institution: UInt32?, at: Milliseconds, isDead: Bool)] = [
            (1, start, true), (nil, start, true), (1, start + 1, true), (1, start - 1, false),
            (2, start + 5, false), (nil, start - 1, false),
        ]
        for (institution, moment, isDead) in cases {
            let store = try makeStore()
            let code = code(1, at: start)
            // So that the moment is not raised to what is there.
            try withdraw(store, at: institution, now: moment)
            try answer { store.insert(code, completion: $0) }
            let outcome = try redeem(store, attempt(code, at: start + 10))
            try check((outcome == .refused(.revoked)) == isDead, "the code said \(outcome)")
            // The other way round: first the token, then the revocation.
            let (later, other) = try stored()
            _ = try redeem(later, attempt(other, at: start + 10))
            try check(try token(later, 1000, at: start + 10) != nil, "there is no token")
            try withdraw(later, at: institution, now: start + 20)
            let isThere = try token(later, 1000, at: start + 10) != nil
            try check(isThere == (institution == 2), "revoked at \(institution as Any)")
            let replay = try redeem(later, attempt(other, at: start + 30, token: 1001))
            try check(replay == .refused(.used), "a replay afterwards said \(replay)")
        }
    }

    /// Whatever a clock says: what the store has been given before is of before.
    private func revokedConsentCoversWhatIsThere() throws {
        let (store, code) = try stored()
        try withdraw(store, now: start - 1_000_000)
        let outcome = try redeem(store, attempt(code, at: start))
        try check(outcome == .refused(.revoked), "a slow clock let it live: \(outcome)")
    }

    private func consentsMomentOnlyRises() throws {
        let store = try makeStore()
        let code = code(1, at: start)
        for moment in [start - 10, start, start - 5] {
            try withdraw(store, now: moment)
            try withdraw(store, at: nil, now: moment - 100)
        }
        try answer { store.insert(code, completion: $0) }
        let outcome = try redeem(store, attempt(code, at: start))
        try check(outcome == .refused(.revoked), "the last moment was taken: \(outcome)")
    }

    /// All are under way before any is answered, as far as the store answers later.
    private func revocationMeetsExchanges() throws {
        let faces = try makeFaces()
        let codes = (0..<40).map { code($0, at: start) }
        for code in codes { try answer { faces[0].insert(code, completion: $0) } }
        var outcomes: [RedemptionOutcome] = []
        var isRevoked = false
        func exchange(_ range: Range<Int>) {
            for number in range {
                let attempt = attempt(codes[number], at: start + 50, token: 1000 + UInt64(number))
                faces[number % faces.count].redeem(attempt) { result in
                    if case .success(let outcome) = result { outcomes.append(outcome) }
                }
            }
        }
        exchange(0..<20)
        let consent = ConsentRevocation(consentID: "consent", institution: Institution.ID(1))
        faces[0].revoke(consent, now: start) { result in
            if case .success = result { isRevoked = true }
        }
        exchange(20..<40)
        for _ in 0..<100_000 where outcomes.count < 40 || !isRevoked { wait() }
        try check(outcomes.count == 40 && isRevoked, "\(outcomes.count) of 40 were answered")
        for number in 0..<UInt64(40) {
            let token: AccessToken? = try answer {
                faces[0].token(
                    identifier(1000 + number, at: start + 50), now: start + 60, completion: $0)
            }
            try check(token == nil, "token \(number) is alive")
        }
    }

    private func revocationLastsAsLongAsTokens() throws {
        let (store, code) = try stored()
        let made = start + StoreContract.lifetime - 1
        _ = try redeem(store, attempt(code, at: made))
        try withdraw(store, now: start)
        let end = made + StoreContract.tokenLifetime
        for now in [start + 10_000_000, start + 500_000_000, end - 1] {
            try expire(store, at: now)
            let token = try token(store, 1000, at: made, now: now)
            try check(token == nil, "after \((now - start) / 1000) s it lives again")
        }
        try expire(store, at: end + 100_000_000)
        let token = try token(store, 1000, at: made, now: end - 1)
        try check(token == nil, "it came back when its revocation was forgotten")
    }
}
