// With several keys, what one opens may have been sealed with another. Chance makes it plausible: of
// tokens that never expire one in 160 under each wrong key, of the others one in 9,000, of codes one in
// 400 million. So what a store does not know is asked for again as the next key opens it. A wrong key
// costs a look-up, never a token; and with one key nothing is asked twice.

/// A code or token as it came, and what a key makes of it.
struct Opening {
    let sealed: SealedIdentifier
    let issueTimes: ClosedRange<Milliseconds>
    let candidate: IdentifierSealer.Candidate

    var identifier: Identifier { candidate.identifier }
}

extension TokenIssuer {
    /// What we never sealed opens to a time of chance, so that no store needs to be asked: nil.
    ///
    /// - Parameter age: nil for any.
    func open(
        _ sealed: SealedIdentifier, youngerThan age: Milliseconds?, now: Milliseconds
    ) -> Opening? {
        open(sealed, from: 0, TokenIssuer.issueTimes(youngerThan: age, now))
    }

    private func open(
        _ sealed: SealedIdentifier, from firstKey: Int, _ issueTimes: ClosedRange<Milliseconds>
    ) -> Opening? {
        withIdentifiers { $0.open(sealed, from: firstKey, issueTimes) }.map {
            Opening(sealed: sealed, issueTimes: issueTimes, candidate: $0)
        }
    }

    /// What the next key makes of it that makes sense of it.
    private func next(_ opening: Opening) -> Opening? {
        open(opening.sealed, from: opening.candidate.nextKey, opening.issueTimes)
    }

    /// What is inside by each of the keys: one of them is right, if it was sealed here.
    func openings(_ sealed: SealedIdentifier) -> [Identifier] {
        withIdentifiers { $0.sealer.openings(sealed) }
    }

    static func issueTimes(
        youngerThan age: Milliseconds?, _ now: Milliseconds
    ) -> ClosedRange<Milliseconds> {
        (age.map { now - $0 } ?? 0) + 1...now + clockSkew
    }

    /// A used code of before is known by its replay, however short codes live by now.
    var codeAgeMax: Milliseconds {
        max(settings.codeLifetime, IssuerSettings.codeLifetimeMax) + ReplayMemory.milliseconds
    }

    /// How far ahead of ours the clock of another machine may be.
    private static let clockSkew: Milliseconds = 60_000

    /// Finds a token by what any key makes of it.
    func token(
        _ opening: Opening, now: Milliseconds,
        completion: @escaping (Result<AccessToken?, StoreError>) -> Void
    ) {
        guard opening.candidate.nextKey < keyCount else {
            return store.token(opening.identifier, now: now, completion: completion)
        }
        store.token(opening.identifier, now: now) { [self] result in
            guard case .success(nil) = result, let next = next(opening) else {
                return completion(result)
            }
            token(next, now: now, completion: completion)
        }
    }

    /// The same, where the store can before the call returns; nil: it needs longer.
    func tokenAtOnce(
        _ opening: Opening, now: Milliseconds
    ) -> Result<AccessToken?, StoreError>? {
        guard let result = store.tokenAtOnce(opening.identifier, now: now) else { return nil }
        guard opening.candidate.nextKey < keyCount, case .success(nil) = result,
            let next = next(opening)
        else { return result }
        return tokenAtOnce(next, now: now)
    }

    /// Finds a CCG token by what any key makes of it.
    func ccgToken(
        _ opening: Opening, completion: @escaping (Result<CCGToken?, StoreError>) -> Void
    ) {
        guard opening.candidate.nextKey < keyCount else {
            return store.ccgToken(opening.identifier, completion: completion)
        }
        store.ccgToken(opening.identifier) { [self] result in
            guard case .success(nil) = result, let next = next(opening) else {
                return completion(result)
            }
            ccgToken(next, completion: completion)
        }
    }

    /// Carries an attempt out, where the store can before the call returns.
    ///
    /// - Returns: what is for `ExchangeAttempt.Token.outcome`; nil where the store needs longer.
    public func redeemAtOnce(
        _ attempt: ExchangeAttempt
    ) -> Result<RedemptionOutcome, StoreError>? {
        guard let result = store.redeemAtOnce(attempt.redemption) else { return nil }
        guard attempt.nextKey < keyCount, case .success(.refused(.unknown, _, _)) = result,
            let next = nextAttempt(attempt)
        else { return result }
        return redeemAtOnce(next)
    }

    /// Carries an attempt out, where the store needs longer.
    ///
    /// - Parameter completion: on this thread, now or later, once the token is stored; what it is given
    ///   is for `ExchangeAttempt.Token.outcome`. So one closure is enough for an exchange.
    public func redeem(
        _ attempt: ExchangeAttempt,
        completion: @escaping (Result<RedemptionOutcome, StoreError>) -> Void
    ) {
        guard attempt.nextKey < keyCount else {
            return store.redeem(attempt.redemption, completion: completion)
        }
        store.redeem(attempt.redemption) { [self] result in
            guard case .success(.refused(.unknown, _, _)) = result, let next = nextAttempt(attempt)
            else {
                return completion(result)
            }
            redeem(next, completion: completion)
        }
    }

    /// The attempt with what the next key makes of the code that makes sense of it.
    private func nextAttempt(_ attempt: ExchangeAttempt) -> ExchangeAttempt? {
        let issueTimes = TokenIssuer.issueTimes(
            youngerThan: codeAgeMax, attempt.redemption.now)
        let code = withIdentifiers {
            $0.open(attempt.sealedCode, from: attempt.nextKey, issueTimes)
        }
        return code.map { attempt.with($0) }
    }

    /// What is inside of a code or token that was sealed here, however old; nil for most of what
    /// was not. For the audit log, which asks no store: where several keys make sense of it, the
    /// youngest counts, since nearly all that anybody brings was issued a moment ago.
    public func identifier(_ sealed: SealedIdentifier, now: Milliseconds) -> Identifier? {
        if let young = open(sealed, youngerThan: codeAgeMax, now: now) { return young.identifier }
        var opening = open(sealed, youngerThan: nil, now: now)
        var youngest = opening?.identifier
        while let current = opening {
            youngest = max(youngest ?? current.identifier, current.identifier)
            opening = next(current)
        }
        return youngest
    }
}
