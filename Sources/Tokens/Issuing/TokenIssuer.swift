// The domain's one door: makes codes, exchanges them for tokens. It is told the time, given random
// bits, and knows neither HTTP nor where things are stored.

/// How long things live, and whose world this is.
public struct IssuerSettings: Sendable {
    public enum Mode: String, Sendable, CaseIterable {
        case sandbox
        case production
    }

    public var mode = Mode.sandbox
    /// 60 s.
    public var codeLifetime: Milliseconds = 60_000
    /// 360 days; nil: tokens never expire.
    public var tokenLifetime: Milliseconds? = 31_104_000_000
    /// One hour.
    public var ccgTokenLifetime: Milliseconds = 3_600_000
    /// There is an audit log, so outcomes say more.
    public var isAudited = false

    public init() {}
}

/// A request to exchange a code.
public struct ExchangeRequest: Sendable {
    /// Who asks; told again with the outcome.
    public let client: Client.Tag
    public let institution: Institution.ID
    public let provider: Provider.ID
    /// nil where the text cannot be a code of ours.
    public let code: SealedIdentifier?
    /// nil where the text is none of the provider's.
    public let redirectURI: Provider.RedirectURI.ID?

    public init(
        client: Client.Tag, institution: Institution.ID, provider: Provider.ID,
        code: SealedIdentifier?, redirectURI: Provider.RedirectURI.ID?
    ) {
        self.client = client
        self.institution = institution
        self.provider = provider
        self.code = code
        self.redirectURI = redirectURI
    }
}

/// A request to make a code.
public struct CodeRequest: Sendable {
    public let institution: Institution.ID
    public let provider: Provider.ID
    public let redirectURI: Provider.RedirectURI.ID
    public let scope: Scope
    public let consent: Consent
    public let state: String?

    public init(
        institution: Institution.ID, provider: Provider.ID,
        redirectURI: Provider.RedirectURI.ID, scope: Scope, consent: Consent, state: String?
    ) {
        self.institution = institution
        self.provider = provider
        self.redirectURI = redirectURI
        self.scope = scope
        self.consent = consent
        self.state = state
    }
}

/// A token as it leaves.
public struct IssuedToken: Sendable {
    public let token: SealedIdentifier
    public let state: String?
    /// For the audit log; nil where there is none.
    public let consent: Consent?
    /// When the code was made that it came from.
    public let codeIssuedAt: Milliseconds
}

/// Is told how an exchange went: once.
public protocol ExchangeReceiver: AnyObject {
    /// - Parameter client: who asked.
    func exchanged(_ result: Result<IssuedToken, TokenError>, _ client: Client.Tag)
}

/// Issues codes and tokens. One per event loop, used on its thread only; the store is shared.
public final class TokenIssuer {
    /// As the request under way sees it.
    public private(set) var registry: Registry
    public let settings: IssuerSettings
    let store: any TokenStore
    private let feed: RegistryFeed
    private var feedGeneration: Int
    private var identifiers: IdentifierSource

    /// How far ahead of ours the clock of another machine may be.
    private static let clockSkew: Milliseconds = 60_000

    public init(
        registry feed: RegistryFeed, settings: IssuerSettings, store: any TokenStore,
        keyring: Keyring, random: RandomPool
    ) {
        self.feed = feed
        // First the count: what is published in between is then taken again.
        feedGeneration = feed.generation
        registry = feed.registry
        self.settings = settings
        self.store = store
        identifiers = IdentifierSource(sealer: IdentifierSealer(keyring), random: random)
    }

    /// To be called before each request, so that it sees what has been registered, disabled and
    /// revoked by now.
    public func beginRequest() {
        let generation = feed.generation
        if generation == feedGeneration { return }
        feedGeneration = generation
        registry = feed.registry
    }

    /// Makes a code (RFC 6749 §4.1.2).
    ///
    /// - Parameter completion: on this thread, now or later, once the code is stored.
    public func issueCode(
        _ request: CodeRequest, now: Milliseconds,
        completion: @escaping (Result<SealedIdentifier, TokenError>) -> Void
    ) {
        let (id, sealed) = drawIdentifier(now)
        let code = AuthorizationCode(
            id: id, institution: request.institution, provider: request.provider,
            redirectURI: request.redirectURI, scope: request.scope, consent: request.consent,
            state: request.state, expiresAt: now + settings.codeLifetime)
        store.insert(code) { result in
            completion(result.map { sealed }.mapError(TokenError.store))
        }
    }

    /// Exchanges a code for a token (RFC 6749 §4.1.3).
    ///
    /// - Parameter receiver: is told on this thread, now or later, once the token is stored. An
    ///   object instead of a closure: a closure would have to be allocated for each exchange.
    public func exchange(
        _ request: ExchangeRequest, now: Milliseconds, for receiver: any ExchangeReceiver
    ) {
        let age = settings.codeLifetime + ReplayMemory.milliseconds
        guard let sealedCode = request.code,
            let (code, id, sealed) = identifiers.exchange(
                sealedCode, TokenIssuer.issueTimes(youngerThan: age, now), now)
        else { return receiver.exchanged(.failure(.codeRefused(.unknown)), request.client) }
        let attempt = Redemption(
            code: code, institution: request.institution, provider: request.provider,
            redirectURI: request.redirectURI, now: now, token: id,
            tokenExpiresAt: settings.tokenLifetime.map { now + $0 },
            revocations: registry.revocations, isAudited: settings.isAudited)
        store.redeem(attempt) { [client = request.client, codeIssuedAt = code.issuedAt] result in
            switch result {
            case .success(.redeemed(let state, let consent)):
                receiver.exchanged(
                    .success(
                        IssuedToken(
                            token: sealed, state: state, consent: consent,
                            codeIssuedAt: codeIssuedAt)), client)
            case .success(.refused(let refusal, let revoked)):
                receiver.exchanged(.failure(.codeRefused(refusal, revoked: revoked)), client)
            case .failure(let error):
                receiver.exchanged(.failure(.store(error)), client)
            }
        }
    }

    /// What we never sealed opens to a time of chance, so that no store needs to be asked: nil.
    ///
    /// - Parameter age: nil for any.
    func open(
        _ sealed: SealedIdentifier, youngerThan age: Milliseconds?, now: Milliseconds
    ) -> Identifier? {
        identifiers.open(sealed, TokenIssuer.issueTimes(youngerThan: age, now))
    }

    private static func issueTimes(
        youngerThan age: Milliseconds?, _ now: Milliseconds
    ) -> ClosedRange<Milliseconds> {
        (age.map { now - $0 } ?? 0) + 1...now + clockSkew
    }

    /// What is inside of a code or token that was sealed here, however old; nil for most of what
    /// was not.
    public func identifier(_ sealed: SealedIdentifier, now: Milliseconds) -> Identifier? {
        open(sealed, youngerThan: nil, now: now)
    }

    /// A number for an error occurrence: unique, and tells nothing.
    public func drawErrorID() -> SealedIdentifier {
        SealedIdentifier(high: identifiers.random.next(), low: identifiers.random.next())
    }

    /// A new identifier, as a store knows it and as the outside does.
    func drawIdentifier(_ now: Milliseconds) -> (Identifier, SealedIdentifier) {
        identifiers.draw(now)
    }
}

/// Draws identifiers and opens them. A value, so that an exchange is a single access to what the
/// issuer holds.
private struct IdentifierSource {
    var sealer: IdentifierSealer
    var random: RandomPool

    mutating func open(
        _ sealed: SealedIdentifier, _ issueTimes: ClosedRange<Milliseconds>
    ) -> Identifier? {
        sealer.open(sealed) { issueTimes.contains($0.issuedAt) }
    }

    /// Opens a code and draws its token; draws none where the code is none.
    mutating func exchange(
        _ code: SealedIdentifier, _ issueTimes: ClosedRange<Milliseconds>, _ now: Milliseconds
    ) -> (code: Identifier, token: Identifier, sealedToken: SealedIdentifier)? {
        guard let code = open(code, issueTimes) else { return nil }
        let (token, sealed) = draw(now)
        return (code, token, sealed)
    }

    mutating func draw(_ now: Milliseconds) -> (Identifier, SealedIdentifier) {
        let id = Identifier(
            issuedAt: now, randomHigh: UInt16(truncatingIfNeeded: random.next()),
            randomLow: random.next())
        return (id, sealer.seal(id))
    }
}
