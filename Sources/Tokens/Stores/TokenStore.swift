// What every store of codes and tokens must do. The suite in Tests/contracts/StoreContract holds them to it.

/// Why a store could not do what it was asked.
public enum StoreError: Error, Equatable, Sendable {
    /// It cannot be reached or written. Nothing has changed; a code is still good.
    case unavailable
    /// It holds as much as it may. Nothing has changed; a code is still good.
    case full
    /// It failed while it made the change durable: the change has happened or has not, and the store
    /// cannot say which. Only for what changes something.
    ///
    /// Whoever asked may ask again. A code may turn out to be spent, and for a token that nobody has
    /// been given; to present it again revokes that token.
    case outcomeUnknown
}

public enum RedemptionOutcome: Equatable, Sendable {
    /// The code is spent and the token is stored. `state` as it was given with the code; `consent`
    /// where the attempt is audited.
    case redeemed(state: String?, consent: Consent? = nil)
    /// The exchange was made before, and is repeated under its idempotency key: nothing has changed.
    // Large and seldom: it would make all outcomes large.
    indirect case repeated(RepeatedExchange)
    /// Where the attempt is audited: `revoked` is the token of a used code, which is gone now;
    /// `madeWith` is the redirect URI of a code that came with another one.
    case refused(
        CodeRefusal, revoked: RevokedToken? = nil, madeWith: Provider.RedirectURI.ID? = nil)
}

/// What an exchange has led to, for whoever repeats it.
public struct RepeatedExchange: Equatable, Sendable {
    public let token: ProvenToken
    public let scope: Scope
    public let state: String?
    /// Where the attempt is audited.
    public let consent: Consent?
    public let tokenExpiresAt: Milliseconds?

    public init(
        token: ProvenToken, scope: Scope, state: String?, consent: Consent?,
        tokenExpiresAt: Milliseconds?
    ) {
        self.token = token
        self.scope = scope
        self.state = state
        self.consent = consent
        self.tokenExpiresAt = tokenExpiresAt
    }
}

extension StoredCode {
    /// What an attempt is told that the verdict refused, with what the audit log wants to know.
    public func outcome(_ refusal: CodeRefusal, of attempt: Redemption) -> RedemptionOutcome {
        guard attempt.isAudited, refusal == .otherRedirectURI, case .unused(let code) = self else {
            return .refused(refusal)
        }
        return .refused(refusal, madeWith: code.redirectURI)
    }
}

extension Redemption {
    /// What it is told where its code is used and its token gone now.
    ///
    /// - Parameter consentID: the token's; asked for only where the attempt is audited.
    public func replayed(
        _ token: @autoclosure () -> TokenReference, of consentID: @autoclosure () -> String?
    ) -> RedemptionOutcome {
        .refused(.used, revoked: isAudited ? RevokedToken(token(), consentID: consentID()) : nil)
    }
}

/// Keeps codes and tokens. Seen through faces: one for each thread, all of the same codes and tokens.
///
/// Asynchronous: a completion runs exactly once, on the thread that called, before the call returns
/// or later. It runs only when what it reports is as durable as the store makes things. Completions
/// of *other* requests never run inside a call: whoever asks need not be ready for their answers.
/// What one face was told, a request that another face is asked later finds done.
public protocol TokenStore: AnyObject {
    /// Adds a code.
    func insert(
        _ code: AuthorizationCode, completion: @escaping (Result<Void, StoreError>) -> Void)

    /// Spends a code and stores its token, in one atomic step: of any number of attempts on one
    /// code, on any threads, exactly one is `redeemed`.
    ///
    /// - A refused attempt changes nothing, with one exception: a used code that the same
    ///   institution presents again revokes the token made from it (RFC 6749 §4.1.2), for at
    ///   least `ReplayMemory.milliseconds` and as long as the code would have lived.
    /// - A code whose consent has been revoked is refused.
    /// - An attempt that proves to repeat the exchange, in time and while its token is alive, is
    ///   `repeated`: told so only when that token is as durable as anything here, and will not be
    ///   taken back.
    func redeem(
        _ attempt: Redemption, completion: @escaping (Result<RedemptionOutcome, StoreError>) -> Void
    )

    /// The same before the call returns: without a closure, which would be memory for each exchange.
    ///
    /// - Returns: nil where the store needs longer. Then nothing has been done, and `redeem` is to be called.
    func redeemAtOnce(_ attempt: Redemption) -> Result<RedemptionOutcome, StoreError>?

    /// The token, or nil where it is unknown, revoked, no longer active at `now`, or came of a code
    /// whose consent was revoked after it.
    func token(
        _ id: Identifier, now: Milliseconds,
        completion: @escaping (Result<AccessToken?, StoreError>) -> Void)

    /// The same before the call returns, as `redeemAtOnce`.
    func tokenAtOnce(_ id: Identifier, now: Milliseconds) -> Result<AccessToken?, StoreError>?

    /// Forgets a token for good, in one atomic step: the row that is there, expired or not, whatever
    /// the store is told of time and lifetimes now or later. Once this has completed, `token` does not
    /// find it any more, whoever asks.
    ///
    /// - Parameters:
    ///   - candidates: what the token may be known by; at most one of them is anybody's.
    ///   - institutions: a token of any other stays as it is.
    ///   - completion: is given what was forgotten; nil where nothing was.
    func revoke(
        _ candidates: [Identifier], of institutions: Set<Institution.ID>,
        completion: @escaping (Result<AccessToken?, StoreError>) -> Void)

    /// Revokes a consent in one atomic step: all its codes that were made until `now`, or that the store
    /// was given before, and what has become or will become of them. What of it the store is given
    /// later, made after `now`, is good. So once this has completed nothing of before is alive,
    /// whoever asks, nor comes to life: whatever is under way, and whatever the store is told of
    /// time and lifetimes.
    ///
    /// It counts for as long as anything of before could be alive, then it may be forgotten.
    func revoke(
        _ consent: ConsentRevocation, now: Milliseconds,
        completion: @escaping (Result<Void, StoreError>) -> Void)

    /// Adds a CCG token.
    func insert(_ token: CCGToken, completion: @escaping (Result<Void, StoreError>) -> Void)

    /// The CCG token, expired or not, or nil where it is unknown.
    func ccgToken(
        _ id: Identifier, completion: @escaping (Result<CCGToken?, StoreError>) -> Void)

    /// Forgets some of what nobody can ask for any more at `now`. Work per call is bounded.
    ///
    /// - Parameter completion: is given when to call again: now or earlier where more is waiting,
    ///   nil where nothing is stored that will expire.
    func removeExpired(
        now: Milliseconds, completion: @escaping (Result<Milliseconds?, StoreError>) -> Void)

    /// False while the store is known to fail: no new work should be sent here.
    var isAvailable: Bool { get }

    /// Lets go of the thread that the face is used on; other faces go on. Call once.
    ///
    /// What is under way is still answered, each request once: with what has come of it, or with
    /// `unavailable` or `outcomeUnknown`. No completion runs inside this call. Where the thread has a
    /// loop, that loop does not end before. What is asked later is refused as `unavailable`, or done.
    func close()
}

extension TokenStore {
    public func redeemAtOnce(_ attempt: Redemption) -> Result<RedemptionOutcome, StoreError>? {
        nil
    }

    public func tokenAtOnce(
        _ id: Identifier, now: Milliseconds
    ) -> Result<AccessToken?, StoreError>? { nil }
}

/// How long a used code is remembered.
public enum ReplayMemory {
    /// At least this long after its use, so that a replay is recognised.
    public static let milliseconds: Milliseconds = 10 * 60 * 1000
}
