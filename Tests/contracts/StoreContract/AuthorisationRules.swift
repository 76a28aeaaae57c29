// What a store must do with the codes of providers that are not authorised for them.

import Tokens

extension StoreContract {
    static var authorisationRules: [(name: String, run: (StoreContract) throws -> Void)] {
        [
            ("unauthorisedAttemptSpendsNothing", { try $0.unauthorisedAttemptSpendsNothing() }),
            ("replayCountsWhateverIsAuthorised", { try $0.replayCountsWhateverIsAuthorised() }),
            ("everyScopeIsKept", { try $0.everyScopeIsKept() }),
            ("attemptsAtOnceAreJudgedEach", { try $0.attemptsAtOnceAreJudgedEach() }),
            ("attemptsAtOnceGetTheirOwnEach", { try $0.attemptsAtOnceGetTheirOwnEach() }),
        ]
    }

    private static let withdrawn = Authorisation(status: .withdrawn)

    /// The code's scope is payments.
    private func unauthorisedAttemptSpendsNothing() throws {
        let (store, code) = try stored()
        let refusals: [(Authorisation, ProviderRefusal)] = [
            (StoreContract.withdrawn, .withdrawn),
            (Authorisation(status: .withdrawn, services: .payments), .withdrawn),
            (Authorisation(services: []), .service(.payments)),
            (Authorisation(services: [.accounts, .fundsConfirmations]), .service(.payments)),
        ]
        for (authorisation, refusal) in refusals {
            for isAudited in [false, true] {
                let outcome = try redeem(
                    store,
                    attempt(
                        code, at: start, authorisation: authorisation, isAudited: isAudited))
                try check(
                    outcome == .refused(.notAuthorised(refusal)),
                    "with \(authorisation) it came to \(outcome)")
            }
        }
        let wrong = try redeem(
            store, attempt(code, at: start, provider: 2, authorisation: StoreContract.withdrawn))
        try check(wrong == .refused(.otherProvider), "another provider came to \(wrong)")
        try check(try token(store, 1000, at: start) == nil, "a refused attempt has made a token")
        let good = try redeem(
            store, attempt(code, at: start, authorisation: Authorisation(services: .payments)))
        try check(good == .redeemed(state: "s"), "the code was good still, and came to \(good)")
    }

    private func replayCountsWhateverIsAuthorised() throws {
        let (store, code) = try stored()
        _ = try redeem(store, attempt(code, at: start))
        let replay = try redeem(
            store,
            attempt(code, at: start, token: 1001, authorisation: StoreContract.withdrawn))
        try check(replay == .refused(.used), "a replay came to \(replay)")
        try check(try token(store, 1000, at: start) == nil, "the token outlives the replay")
    }

    private func everyScopeIsKept() throws {
        let store = try makeStore()
        for scope in Scope.allCases {
            let number = UInt64(scope.rawValue) + 1
            let code = AuthorizationCode(
                id: identifier(number, at: start), institution: Institution.ID(1),
                provider: Provider.ID(1), redirectURI: Provider.RedirectURI.ID(1), scope: scope,
                consent: Consent(id: "c", accountID: "a"), state: nil,
                expiresAt: start + StoreContract.lifetime)
            try answer { store.insert(code, completion: $0) }
            let others = Authorisation(services: Services.all.subtracting(Services(scope)))
            let refused = try redeem(store, attempt(code, at: start, authorisation: others))
            try check(
                refused == .refused(.notAuthorised(.service(scope))), "\(scope): \(refused)")
            let only = Authorisation(services: Services(scope))
            let attempt = attempt(code, at: start, token: 1000 + number, authorisation: only)
            let outcome = try redeem(store, attempt)
            try check(outcome == .redeemed(state: nil), "\(scope): \(outcome)")
            let made = try token(store, 1000 + number, at: start)
            try check(made?.scope == scope, "the token of \(scope) has another scope")
        }
    }

    /// They may share a batch.
    private func attemptsAtOnceAreJudgedEach() throws {
        let store = try makeStore()
        let codes = (1...8).map { code(UInt64($0), at: start) }
        for code in codes { try answer { store.insert(code, completion: $0) } }
        var outcomes: [Int: RedemptionOutcome] = [:]
        for (index, code) in codes.enumerated() {
            let services: Services = index % 2 == 0 ? .payments : .accounts
            let attempt = attempt(
                code, at: start, token: 1000 + UInt64(index),
                authorisation: Authorisation(services: services))
            store.redeem(attempt) {
                if case .success(let outcome) = $0 { outcomes[index] = outcome }
            }
        }
        for _ in 0..<100_000 where outcomes.count < codes.count { wait() }
        for index in codes.indices {
            let expected: RedemptionOutcome =
                index % 2 == 0
                ? .redeemed(state: "s") : .refused(.notAuthorised(.service(.payments)))
            try check(
                outcomes[index] == expected, "\(index): \(String(describing: outcomes[index]))")
        }
    }

    /// Whatever order they come in, and whatever order a store puts them in.
    private func attemptsAtOnceGetTheirOwnEach() throws {
        let store = try makeStore()
        let codes = (1...16).map { number in
            AuthorizationCode(
                id: identifier(UInt64(number), at: start), institution: Institution.ID(1),
                provider: Provider.ID(1), redirectURI: Provider.RedirectURI.ID(1),
                scope: .payments, consent: Consent(id: "c\(number)", accountID: "a\(number)"),
                state: "s\(number)", expiresAt: start + StoreContract.lifetime)
        }
        for code in codes { try answer { store.insert(code, completion: $0) } }
        var outcomes: [Int: RedemptionOutcome] = [:]
        // A prime, so that no two neighbours come one after the other.
        for index in codes.indices.map({ ($0 * 7 + 5) % codes.count }) {
            let attempt = attempt(
                codes[index], at: start, token: 1000 + UInt64(index), isAudited: true)
            store.redeem(attempt) {
                if case .success(let outcome) = $0 { outcomes[index] = outcome }
            }
        }
        for _ in 0..<100_000 where outcomes.count < codes.count { wait() }
        for (index, code) in codes.enumerated() {
            let own = RedemptionOutcome.redeemed(state: code.state, consent: code.consent)
            try check(outcomes[index] == own, "\(index): \(String(describing: outcomes[index]))")
            let token = try token(store, 1000 + UInt64(index), at: start)
            try check(token?.consent == code.consent, "\(index): a token of another's consent")
        }
    }
}
