// The domain's one door: makes codes, exchanges them for tokens. It is told the time, given random
// bits, and knows neither HTTP nor where things are stored.

/// A token as it leaves.
public struct IssuedToken: Sendable {
    public let token: SealedIdentifier
    public let state: String?
    /// For the audit log; nil where there is none.
    public let consent: Consent?
    /// When the code was made that it came from.
    public let codeIssuedAt: Milliseconds
}

/// The token of an exchange that was made before, as it leaves once more.
public struct RepeatedToken: Sendable {
    public let token: SealedIdentifier
    public let state: String?
    /// For the audit log; nil where there is none.
    public let consent: Consent?
    /// From its issue to its expiry; nil: it never expires.
    public let lifetime: Milliseconds?
}

/// What came of an exchange.
public enum ExchangeOutcome: Sendable {
    case issued(IssuedToken)
    /// To be sealed by `TokenIssuer.sealed`.
    case repeated(RepeatedExchange)
    case failed(TokenError)
}

/// An exchange under way: what the store is asked, and the token that it makes if it says yes.
public struct ExchangeAttempt: Sendable {
    let redemption: Redemption
    /// The code as it came, and the first of the keys that it has not been opened with.
    let sealedCode: SealedIdentifier
    let nextKey: Int
    public let token: Token

    init(
        redemption: Redemption, sealedCode: SealedIdentifier, nextKey: Int, token: SealedIdentifier
    ) {
        self.redemption = redemption
        self.sealedCode = sealedCode
        self.nextKey = nextKey
        self.token = Token(
            sealed: token, codeIssuedAt: redemption.code.issuedAt,
            authorisation: redemption.authorisation)
    }

    /// The same for what another key makes of the code.
    func with(_ code: IdentifierSealer.Candidate) -> ExchangeAttempt {
        var redemption = redemption
        redemption.code = code.identifier
        return ExchangeAttempt(
            redemption: redemption, sealedCode: sealedCode, nextKey: code.nextKey,
            token: token.sealed)
    }

    /// The token that leaves if the store says yes. Small, for a closure to hold.
    public struct Token: Sendable {
        fileprivate let sealed: SealedIdentifier
        fileprivate let codeIssuedAt: Milliseconds
        fileprivate let authorisation: Authorisation

        /// What came of the exchange, by what the store has said.
        public func outcome(
            _ result: Result<RedemptionOutcome, StoreError>
        ) -> ExchangeOutcome {
            switch result {
            case .success(.redeemed(let state, let consent)):
                .issued(
                    IssuedToken(
                        token: sealed, state: state, consent: consent, codeIssuedAt: codeIssuedAt))
            case .success(.refused(.notAuthorised(let refusal), _, _)):
                .failed(.providerNotAuthorised(refusal))
            case .success(.refused(let refusal, let revoked, let madeWith)):
                .failed(.codeRefused(refusal, revoked: revoked, madeWith: madeWith))
            case .success(.repeated(let exchange)):
                // Nothing is revoked: the token is good again once the provider is.
                if let refusal = authorisation.refusal(of: exchange.scope) {
                    .failed(.providerNotAuthorised(refusal))
                } else {
                    .repeated(exchange)
                }
            case .failure(let error): .failed(.store(error))
            }
        }
    }
}

/// A code as it leaves.
public struct IssuedCode: Sendable {
    public let code: SealedIdentifier
    public let issuedAt: Milliseconds
}

/// Issues codes and tokens. One per event loop, used on its thread only; the store is shared.
public final class TokenIssuer {
    /// As the request under way sees it.
    public var registry: Registry { current }
    private var current: Registry
    public let settings: IssuerSettings
    let store: any TokenStore
    private let feed: RegistryFeed
    /// Grows with each `registry` that is another one.
    public var generation: Int { taken }
    private var taken: Int
    /// nil while it is used.
    private var identifiers: IdentifierSource?
    let keyCount: Int
    private let exchangeHashes: [KeyedHash]

    public init(
        registry feed: RegistryFeed, settings: IssuerSettings, store: any TokenStore,
        keyring: Keyring, random: RandomPool
    ) {
        self.feed = feed
        // First the count: what is published in between is then taken again.
        taken = feed.generation
        current = feed.registry
        self.settings = settings
        self.store = store
        identifiers = IdentifierSource(keyring, random)
        keyCount = keyring.keys.count
        exchangeHashes = keyring.keys.map(\.exchangeHash)
    }

    /// To be called before each request, so that it sees what has been registered, disabled and
    /// revoked by now.
    public func beginRequest() {
        let published = feed.generation
        if published == taken { return }
        taken = published
        current = feed.registry
    }

    /// Makes a code (RFC 6749 §4.1.2), where the provider is authorised for its scope.
    ///
    /// - Parameter completion: on this thread, now or later, once the code is stored.
    public func issueCode(
        _ request: CodeRequest, now: Milliseconds,
        completion: @escaping (Result<IssuedCode, TokenError>) -> Void
    ) {
        if let refusal = request.authorisation.refusal(of: request.scope) {
            return completion(.failure(.providerNotAuthorised(refusal)))
        }
        let (id, sealed) = drawIdentifier(now)
        let code = AuthorizationCode(
            id: id, institution: request.institution, provider: request.provider,
            redirectURI: request.redirectURI, scope: request.scope, consent: request.consent,
            state: request.state, expiresAt: now + settings.codeLifetime)
        store.insert(code) { result in
            completion(
                result.map { IssuedCode(code: sealed, issuedAt: now) }.mapError(TokenError.store))
        }
    }

    /// Begins to exchange a code for a token (RFC 6749 §4.1.3): opens the code, draws the token.
    ///
    /// - Returns: nil where the code is none that was sealed here lately, so that no store needs to be
    ///   asked.
    public func attempt(_ request: ExchangeRequest, now: Milliseconds) -> ExchangeAttempt? {
        let issueTimes = TokenIssuer.issueTimes(youngerThan: codeAgeMax, now)
        if request.idempotency != nil { return repeatableAttempt(request, issueTimes, now) }
        guard let sealedCode = request.code,
            let (code, id, sealed) = withIdentifiers({ $0.openAndDraw(sealedCode, issueTimes, now) }
            )
        else { return nil }
        return ExchangeAttempt(
            redemption: redemption(request, of: code.identifier, by: id, now),
            sealedCode: sealedCode, nextKey: code.nextKey, token: sealed)
    }

    /// The same with a token that is drawn by the idempotency key, not by chance.
    @inline(never)
    private func repeatableAttempt(
        _ request: ExchangeRequest, _ issueTimes: ClosedRange<Milliseconds>, _ now: Milliseconds
    ) -> ExchangeAttempt? {
        guard let sealedCode = request.code, let (key, client) = request.idempotency else {
            return nil
        }
        return withIdentifiers { identifiers in
            guard let code = identifiers.open(sealedCode, issueTimes) else { return nil }
            let binding = ExchangeBinding(
                institution: request.institution, provider: request.provider,
                holder: request.holder)
            let proof = key.proof(
                sealedCode, client, binding, attempt: identifiers.random.next().0,
                window: settings.codeLifetime)
            let id = proof.token(issuedAt: now)
            return ExchangeAttempt(
                redemption: redemption(request, of: code.identifier, by: id, now, proof),
                sealedCode: sealedCode, nextKey: code.nextKey,
                token: identifiers.sealer.seal(id))
        }
    }

    /// What the store is asked.
    ///
    /// - Parameter token: that a success makes.
    @inline(__always)
    private func redemption(
        _ request: ExchangeRequest, of code: Identifier, by token: Identifier, _ now: Milliseconds,
        _ proof: ExchangeProof? = nil
    ) -> Redemption {
        Redemption(
            code: code, institution: request.institution, provider: request.provider,
            redirectURI: request.redirectURI, now: now, token: token,
            tokenExpiresAt: settings.tokenLifetime.map { now + $0 },
            revocations: registry.revocations, authorisation: request.authorisation,
            isAudited: settings.isAudited, proof: proof, holder: request.holder)
    }

    /// - Parameters:
    ///   - text: one of `IdempotencyKey.lengths`.
    ///   - redirectURI: as the exchange names it, registered or not.
    public func idempotencyKey(
        _ text: Span<UInt8>, redirectURI: Span<UInt8>
    ) -> IdempotencyKey {
        IdempotencyKey(text, redirectURI, exchangeHashes)
    }

    /// The token of an exchange that is repeated, as it left the first time.
    public func sealed(_ exchange: RepeatedExchange) -> RepeatedToken {
        let (id, key) = (exchange.token.id, exchange.token.sealingKey)
        return RepeatedToken(
            token: withIdentifiers { $0.sealer.seal(id, key: key) }, state: exchange.state,
            consent: exchange.consent,
            lifetime: exchange.tokenExpiresAt.map { $0 - id.issuedAt })
    }

    /// A number for a request or an error occurrence: unique, and tells nothing.
    public func drawNumber() -> SealedIdentifier { withIdentifiers { $0.drawNumber() } }

    /// A new identifier, as a store knows it and as the outside does.
    func drawIdentifier(_ now: Milliseconds) -> (Identifier, SealedIdentifier) {
        withIdentifiers { $0.draw(now) }
    }

    /// Lends what draws and opens. It is moved out meanwhile, so that no access to it has to be checked at
    /// run time.
    @inline(__always)
    func withIdentifiers<Result>(_ body: (inout IdentifierSource) -> Result) -> Result {
        guard var source = identifiers.take() else {
            preconditionFailure("nobody asks for identifiers while they are lent")
        }
        let result = body(&source)
        identifiers = source
        return result
    }
}
