// The suite that every store must pass. A library, so that each store's tests can call it.

import Synchronization
import Tokens

/// What a store did wrong, in words.
public struct ContractViolation: Error, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}

/// Runs one rule after another against fresh stores.
public struct StoreContract {
    public static let lifetime: Milliseconds = 60_000
    public static let tokenLifetime: Milliseconds = 1_000_000_000
    let makeFaces: () throws -> [any TokenStore]
    let wait: () -> Void
    let start: Milliseconds = 1_700_000_000_000

    /// - Parameters:
    ///   - wait: lets a store that answers later get on with it; called until it has answered.
    ///   - makeFaces: the faces of an empty store with the two lifetimes above. Rules ask them in
    ///     turn, so what one was told another must find.
    public init(
        wait: @escaping () -> Void = {}, _ makeFaces: @escaping () throws -> [any TokenStore]
    ) {
        self.wait = wait
        self.makeFaces = makeFaces
    }

    func makeStore() throws -> any TokenStore { AlternatingFaces(try makeFaces()) }

    /// Every rule by name.
    public static var rules: [(name: String, run: (StoreContract) throws -> Void)] {
        [
            ("codeIsSpentOnce", { try $0.codeIsSpentOnce() }),
            ("oneOfManyAttemptsAtOnceWins", { try $0.oneOfManyAttemptsAtOnceWins() }),
            ("answersComeInTheOrderOfAsking", { try $0.answersComeInOrder() }),
            ("unknownCodeIsRefused", { try $0.unknownCodeIsRefused() }),
            ("codeExpiresAtItsLifetime", { try $0.codeExpiresAtItsLifetime() }),
            ("wrongAttemptSpendsNothing", { try $0.wrongAttemptSpendsNothing() }),
            ("replayRevokesTheToken", { try $0.replayRevokesTheToken() }),
            ("replayNamesTheConsentOnce", { try $0.replayNamesTheConsent() }),
            ("replayByAnotherInstitutionRevokesNothing", { try $0.foreignReplay() }),
            ("tokenIsActiveUntilItExpires", { try $0.tokenIsActiveUntilItExpires() }),
            ("usedCodeIsRememberedTenMinutes", { try $0.usedCodeIsRemembered() }),
            ("ccgTokenIsKept", { try $0.ccgTokenIsKept() }),
            ("expiredCodesAreForgotten", { try $0.expiredCodesAreForgotten() }),
        ] + authorisationRules + revocationRules + faceRules + repetitionRules + holderRules
    }

    func check(_ isTrue: Bool, _ what: String) throws {
        if !isTrue { throw ContractViolation(what) }
    }

    func identifier(_ number: UInt64, at time: Milliseconds) -> Identifier {
        Identifier(issuedAt: time, randomHigh: 0, randomLow: number)
    }

    func code(_ number: UInt64, at time: Milliseconds, state: String? = "s")
        -> AuthorizationCode
    {
        AuthorizationCode(
            id: identifier(number, at: time), institution: Institution.ID(1),
            provider: Provider.ID(1), redirectURI: Provider.RedirectURI.ID(1), scope: .payments,
            consent: Consent(id: "consent", accountID: "account"), state: state,
            expiresAt: time + StoreContract.lifetime)
    }

    func attempt(
        _ code: AuthorizationCode, at now: Milliseconds, institution: UInt32 = 1,
        provider: UInt32 = 1, redirectURI: UInt32? = 1, token: UInt64 = 1000,
        revocations: Revocations? = nil, authorisation: Authorisation = .full,
        isAudited: Bool = false, holder: Thumbprint? = nil
    ) -> Redemption {
        Redemption(
            code: code.id, institution: Institution.ID(institution),
            provider: Provider.ID(provider),
            redirectURI: redirectURI.map { Provider.RedirectURI.ID($0) }, now: now,
            token: identifier(token, at: now), tokenExpiresAt: now + StoreContract.tokenLifetime,
            revocations: revocations, authorisation: authorisation, isAudited: isAudited,
            holder: holder)
    }

    func answer<Value>(
        _ ask: (@escaping (Result<Value, StoreError>) -> Void) -> Void
    ) throws -> Value {
        var results: [Result<Value, StoreError>] = []
        ask { results.append($0) }
        for _ in 0..<100_000 where results.isEmpty { wait() }
        try check(results.count == 1, "a completion ran \(results.count) times instead of once")
        return try results[0].get()
    }

    func redeem(_ store: any TokenStore, _ attempt: Redemption) throws -> RedemptionOutcome {
        try answer { store.redeem(attempt, completion: $0) }
    }

    func token(
        _ store: any TokenStore, _ number: UInt64, at made: Milliseconds,
        now: Milliseconds? = nil
    ) throws -> AccessToken? {
        try answer { store.token(identifier(number, at: made), now: now ?? made, completion: $0) }
    }

    func stored(_ number: UInt64 = 1) throws -> (any TokenStore, AuthorizationCode) {
        let store = try makeStore()
        let code = code(number, at: start)
        try answer { store.insert(code, completion: $0) }
        return (store, code)
    }
}
