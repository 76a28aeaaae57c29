// What every store does with an exchange that is repeated under its idempotency key. Asked through issuers,
// as servers ask, since only they can prove a repetition.

import CryptoForTests
import Tokens

extension StoreContract {
    static var repetitionRules: [(name: String, run: (StoreContract) throws -> Void)] {
        [
            ("repetitionGetsTheSameToken", { try $0.repetitionGetsTheSameToken() }),
            ("repetitionOutsideItsWindowRevokes", { try $0.repetitionOutsideItsWindowRevokes() }),
            ("expiredTokenIsRepeated", { try $0.expiredTokenIsRepeated() }),
            ("anotherKeyOrNoneRevokes", { try $0.anotherKeyOrNoneRevokes() }),
            ("anotherHolderRevokes", { try $0.anotherHolderRevokes() }),
            ("whatIsRevokedIsNotRepeated", { try $0.whatIsRevokedIsNotRepeated() }),
            ("repetitionSurvivesARotation", { try $0.repetitionSurvivesARotation() }),
            ("ofManyUnderOneKeyAllGetOneToken", { try $0.ofManyUnderOneKeyAllGetOneToken() }),
        ]
    }

    private static let key = "8f14e45f-ceea-467f-ab6c-0242ac120002"

    private static func sealingKey(_ byte: UInt8) -> SealingKey {
        SealingKey { bytes in for index in bytes.indices { bytes[index] = byte } }
    }

    private func issuer(
        _ store: any TokenStore, _ keyring: Keyring = Keyring(sealingKey(1)),
        isAudited: Bool = false, tokenLifetime: Milliseconds = StoreContract.tokenLifetime
    ) -> TokenIssuer {
        var settings = IssuerSettings()
        (settings.codeLifetime, settings.tokenLifetime) = (StoreContract.lifetime, tokenLifetime)
        settings.isAudited = isAudited
        var generator = SystemRandomNumberGenerator()
        return TokenIssuer(
            registry: RegistryFeed(.sandbox), settings: settings, store: store, keyring: keyring,
            random: RandomPool { bytes in
                for index in bytes.indices {
                    bytes[index] = .random(in: 0...255, using: &generator)
                }
            })
    }

    private func makeCode(
        _ issuer: TokenIssuer, state: String? = "s", consent: String = "consent"
    ) throws -> SealedIdentifier {
        let request = CodeRequest(
            institution: Institution.ID(1), provider: Provider.ID(1), authorisation: .full,
            redirectURI: Provider.RedirectURI.ID(1), scope: .payments,
            consent: Consent(id: consent, accountID: "account"), state: state)
        var code: SealedIdentifier?
        issuer.issueCode(request, now: start) { code = (try? $0.get())?.code }
        for _ in 0..<100_000 where code == nil { wait() }
        guard let code else { throw ContractViolation("there is no code") }
        return code
    }

    private func attempt(
        _ issuer: TokenIssuer, _ code: SealedIdentifier, _ key: String?, at now: Milliseconds,
        isRegistered: Bool = true, holder: Thumbprint? = nil
    ) throws -> ExchangeAttempt {
        let uri = Array("https://www.google.com".utf8)
        let text = key.map {
            issuer.idempotencyKey(Array($0.utf8).span, redirectURI: uri.span)
        }
        let request = ExchangeRequest(
            institution: Institution.ID(1), provider: Provider.ID(1), authorisation: .full,
            code: code,
            redirectURI: isRegistered ? Provider.RedirectURI.ID(1) : nil,
            idempotency: text.map { ($0, Client.Tag(of: "client")) }, holder: holder)
        guard let attempt = issuer.attempt(request, now: now) else {
            throw ContractViolation("a code does not open")
        }
        return attempt
    }

    private func exchange(
        _ issuer: TokenIssuer, _ code: SealedIdentifier, _ key: String?, at now: Milliseconds,
        isRegistered: Bool = true, holder: Thumbprint? = nil
    ) throws -> ExchangeOutcome {
        let attempt = try attempt(
            issuer, code, key, at: now, isRegistered: isRegistered, holder: holder)
        return attempt.token.outcome(
            .success(try answer { issuer.redeem(attempt, completion: $0) }))
    }

    private func issued(_ outcome: ExchangeOutcome) throws -> IssuedToken {
        guard case .issued(let token) = outcome else {
            throw ContractViolation("an exchange said \(outcome)")
        }
        return token
    }

    private func repeated(_ outcome: ExchangeOutcome, _ issuer: TokenIssuer) throws -> RepeatedToken
    {
        guard case .repeated(let exchange) = outcome else {
            throw ContractViolation("a repetition said \(outcome)")
        }
        return issuer.sealed(exchange)
    }

    /// It was refused as used, and the token is dead.
    ///
    /// - Returns: what the audit log is told of it.
    @discardableResult
    private func checkReplayed(
        _ outcome: ExchangeOutcome, _ token: SealedIdentifier, _ issuer: TokenIssuer
    ) throws -> RevokedToken? {
        guard case .failed(.codeRefused(.used, let revoked, _)) = outcome else {
            throw ContractViolation("a replay said \(outcome)")
        }
        try check(!(try isAlive(token, issuer)), "a replay left the token alive")
        return revoked
    }

    private func isAlive(_ token: SealedIdentifier, _ issuer: TokenIssuer) throws -> Bool {
        let client = Client(
            id: "client", secret: SecretDigest(of: []), institutions: [Institution.ID(1)],
            allInstitutions: [Institution.ID(1)])
        var found: Result<ActiveToken?, TokenError>?
        issuer.introspect(token, client: client, now: start + 1) { found = $0 }
        for _ in 0..<100_000 where found == nil { wait() }
        guard case .success(let active) = found else {
            throw ContractViolation("introspection said \(String(describing: found))")
        }
        return active != nil
    }

    private func repetitionGetsTheSameToken() throws {
        for (state, isAudited) in [("s", false), (nil, true), ("", true), ("é\u{0}😀", false)]
            as [(String?, Bool)]
        {
            let issuer = issuer(try makeStore(), isAudited: isAudited)
            let code = try makeCode(issuer, state: state)
            let first = try issued(exchange(issuer, code, StoreContract.key, at: start + 3))
            for later in [0, 3, 4, StoreContract.lifetime + 2] {
                let again = try repeated(
                    exchange(issuer, code, StoreContract.key, at: start + later), issuer)
                try check(again.token == first.token, "a repetition got another token")
                try check(again.state == state, "a repetition got the state \(again.state ?? "-")")
                try check(again.lifetime == StoreContract.tokenLifetime, "the lifetime is another")
                try check(
                    again.consent?.id == (isAudited ? "consent" : nil),
                    "the audit log is told another consent")
            }
            // The redirect URI was taken away since: it is the same exchange.
            let after = try repeated(
                exchange(issuer, code, StoreContract.key, at: start + 5, isRegistered: false),
                issuer)
            try check(after.token == first.token, "a repetition got another token")
            try check(try isAlive(first.token, issuer), "a repetition has revoked the token")
        }
    }

    private func repetitionOutsideItsWindowRevokes() throws {
        let issuer = issuer(try makeStore(), isAudited: true)
        let code = try makeCode(issuer)
        let first = try issued(exchange(issuer, code, StoreContract.key, at: start))
        let late = try exchange(
            issuer, code, StoreContract.key, at: start + StoreContract.lifetime)
        let revoked = try checkReplayed(late, first.token, issuer)
        try check(revoked?.consentID == "consent", "the audit log is not told the consent")
        let again = try exchange(issuer, code, StoreContract.key, at: start + 1)
        let before = try checkReplayed(again, first.token, issuer)
        try check(before != nil && before?.consentID == nil, "a token that was gone was revoked")
    }

    /// It is the same answer, though the token lives shorter than a code. Revoked is another matter.
    private func expiredTokenIsRepeated() throws {
        let store = try makeStore()
        let issuer = issuer(store, tokenLifetime: 10_000)
        let code = try makeCode(issuer)
        let first = try issued(exchange(issuer, code, StoreContract.key, at: start))
        for later in [9_999, 10_000, StoreContract.lifetime - 1] {
            let again = try repeated(
                exchange(issuer, code, StoreContract.key, at: start + later), issuer)
            try check(again.token == first.token, "a repetition got another token")
            try check(again.lifetime == 10_000, "the lifetime is another")
        }
        let consent = ConsentRevocation(consentID: "consent", institution: Institution.ID(1))
        try answer { store.revoke(consent, now: start, completion: $0) }
        try checkReplayed(
            try exchange(issuer, code, StoreContract.key, at: start + 20_000), first.token, issuer)
    }

    private func anotherKeyOrNoneRevokes() throws {
        for (one, other) in [
            (StoreContract.key, nil), (StoreContract.key, StoreContract.key + "x"),
            (nil, StoreContract.key),
        ] as [(String?, String?)] {
            let issuer = issuer(try makeStore(), isAudited: true)
            let code = try makeCode(issuer)
            let first = try issued(exchange(issuer, code, one, at: start))
            try checkReplayed(
                try exchange(issuer, code, other, at: start + 1), first.token, issuer)
            try checkReplayed(try exchange(issuer, code, one, at: start + 1), first.token, issuer)
        }
    }

    /// With another certificate it is another exchange, as with another redirect URI.
    private func anotherHolderRevokes() throws {
        let (one, other) = try (holder(1), holder(2))
        for (first, second) in [(one, other), (one, nil), (nil, one)]
            as [(Thumbprint?, Thumbprint?)]
        {
            let issuer = issuer(try makeStore())
            let code = try makeCode(issuer)
            let token = try issued(
                exchange(issuer, code, StoreContract.key, at: start, holder: first))
            let again = try repeated(
                exchange(issuer, code, StoreContract.key, at: start + 1, holder: first), issuer)
            try check(again.token == token.token, "a repetition got another token")
            try checkReplayed(
                try exchange(issuer, code, StoreContract.key, at: start + 2, holder: second),
                token.token, issuer)
        }
    }

    private func whatIsRevokedIsNotRepeated() throws {
        let store = try makeStore()
        let issuer = issuer(store)
        let code = try makeCode(issuer)
        let first = try issued(exchange(issuer, code, StoreContract.key, at: start))
        let consent = ConsentRevocation(consentID: "consent", institution: Institution.ID(1))
        try answer { store.revoke(consent, now: start, completion: $0) }
        let after = try exchange(issuer, code, StoreContract.key, at: start + 1)
        try checkReplayed(after, first.token, issuer)

        let other = try makeCode(issuer, consent: "other")
        let second = try issued(exchange(issuer, other, StoreContract.key, at: start))
        let client = Client(
            id: "client", secret: SecretDigest(of: []), institutions: [],
            allInstitutions: [Institution.ID(1)])
        var revoked: AccessToken?
        issuer.revoke(second.token, client: client) { revoked = (try? $0.get()) ?? nil }
        for _ in 0..<100_000 where revoked == nil { wait() }
        try check(revoked != nil, "a token could not be revoked")
        try checkReplayed(
            try exchange(issuer, other, StoreContract.key, at: start + 1), second.token, issuer)
    }

    private func repetitionSurvivesARotation() throws {
        let store = try makeStore()
        let old = issuer(store)
        let code = try makeCode(old)
        let first = try issued(exchange(old, code, StoreContract.key, at: start))
        let ring = Keyring(StoreContract.sealingKey(1)).adding(StoreContract.sealingKey(2))
        let new = issuer(store, ring)
        let again = try repeated(exchange(new, code, StoreContract.key, at: start + 9), new)
        try check(again.token == first.token, "after a rotation it is another token")
        try check(try isAlive(first.token, new), "a repetition has revoked the token")
    }

    /// All under way at once, some of them in the same millisecond, so with the same token in mind.
    private func ofManyUnderOneKeyAllGetOneToken() throws {
        let issuer = issuer(try makeStore(), isAudited: true)
        let code = try makeCode(issuer)
        var outcomes: [ExchangeOutcome] = []
        let count = 100
        for number in 0..<count {
            let attempt = try attempt(
                issuer, code, StoreContract.key, at: start + Milliseconds(number / 3))
            issuer.redeem(attempt) { outcomes.append(attempt.token.outcome($0)) }
        }
        for _ in 0..<100_000 where outcomes.count < count { wait() }
        try check(outcomes.count == count, "\(outcomes.count) of \(count) were answered")
        let firsts = outcomes.filter { if case .issued = $0 { true } else { false } }
        try check(firsts.count == 1, "\(firsts.count) exchanges were the first")
        let token = try issued(firsts[0]).token
        for outcome in outcomes {
            if case .issued = outcome { continue }
            try check(
                try repeated(outcome, issuer).token == token, "one of them got another token")
        }
        try check(try isAlive(token, issuer), "the token is dead")
    }
}

extension ExchangeOutcome {
    /// nil for a repetition.
    public var first: Result<IssuedToken, TokenError>? {
        switch self {
        case .issued(let token): .success(token)
        case .failed(let error): .failure(error)
        case .repeated: nil
        }
    }
}
