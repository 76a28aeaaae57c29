// An authorization code: what it grants, what it is bound to, and the rules of redeeming it.

/// What the bank's customer agreed to. An object, since the token shares it with the code.
public final class Consent: Equatable, Sendable {
    public let id: String
    /// The customer's account at the bank.
    public let accountID: String
    /// Of a token that is bound to a certificate: whose it is. Here, since the object of every token has
    /// room for it, so that the others pay nothing. It is no part of what makes two consents the same.
    let holder: Thumbprint?

    /// - Parameter holder: of a token only, whose consent it then is alone.
    public init(id: String, accountID: String, holder: Thumbprint? = nil) {
        self.id = id
        self.accountID = accountID
        self.holder = holder
    }

    /// The same for a token of that holder.
    @inline(never)
    func held(by holder: Thumbprint) -> Consent {
        Consent(id: id, accountID: accountID, holder: holder)
    }

    public static func == (one: Consent, other: Consent) -> Bool {
        one.id == other.id && one.accountID == other.accountID
    }
}

/// A code that has not been redeemed.
public struct AuthorizationCode: Sendable {
    public let id: Identifier
    public let institution: Institution.ID
    public let provider: Provider.ID
    public let redirectURI: Provider.RedirectURI.ID
    public let scope: Scope
    public let consent: Consent
    /// Given back with the token, exactly (RFC 6749 §4.1.2).
    public let state: String?
    /// From this moment on it is refused.
    public let expiresAt: Milliseconds

    public init(
        id: Identifier, institution: Institution.ID, provider: Provider.ID,
        redirectURI: Provider.RedirectURI.ID, scope: Scope, consent: Consent, state: String?,
        expiresAt: Milliseconds
    ) {
        self.id = id
        self.institution = institution
        self.provider = provider
        self.redirectURI = redirectURI
        self.scope = scope
        self.consent = consent
        self.state = state
        self.expiresAt = expiresAt
    }
}

/// An attempt to exchange a code for a token.
public struct Redemption: Sendable {
    public internal(set) var code: Identifier
    public let institution: Institution.ID
    public let provider: Provider.ID
    /// nil where the URI given is none of the provider's; no code is bound to that.
    public let redirectURI: Provider.RedirectURI.ID?
    public let now: Milliseconds
    /// The token that a success makes.
    public let token: Identifier
    /// nil: never.
    public let tokenExpiresAt: Milliseconds?
    /// What is revoked as a whole; nil: nothing.
    public let revocations: Revocations?
    /// Of the provider, now.
    public let authorisation: Authorisation
    /// The audit log is told, so the outcome says more.
    public let isAudited: Bool
    /// nil: this is no repetition, and it cannot be repeated.
    public let proof: ExchangeProof?
    /// The certificate that the token is to be bound to; nil: none.
    public let holder: Thumbprint?

    public init(
        code: Identifier, institution: Institution.ID, provider: Provider.ID,
        redirectURI: Provider.RedirectURI.ID?, now: Milliseconds, token: Identifier,
        tokenExpiresAt: Milliseconds?, revocations: Revocations? = nil,
        authorisation: Authorisation, isAudited: Bool = false, proof: ExchangeProof? = nil,
        holder: Thumbprint? = nil
    ) {
        self.code = code
        self.institution = institution
        self.provider = provider
        self.redirectURI = redirectURI
        self.now = now
        self.token = token
        self.tokenExpiresAt = tokenExpiresAt
        self.revocations = revocations
        self.authorisation = authorisation
        self.isAudited = isAudited
        self.proof = proof
        self.holder = holder
    }
}

/// Why a code was refused. For the audit log only: outside, all of them look the same, but for the last.
public enum CodeRefusal: Equatable, Sendable, CaseIterable {
    case unknown, expired, used, otherInstitution, otherProvider, otherRedirectURI, revoked
    /// All else is right, and the code stays good; the provider is told.
    case notAuthorised(ProviderRefusal)

    public static let allCases =
        [
            unknown, expired, used, otherInstitution, otherProvider, otherRedirectURI, revoked,
        ] + ProviderRefusal.allCases.map(notAuthorised)
}

extension AuthorizationCode {
    /// All the rules of redeeming a code that has not been used (RFC 6749 §4.1.3): it is young
    /// enough, everything it is bound to is the same, neither it nor its consent is revoked, and the
    /// provider is authorised for its scope. That comes last: it is told to nobody but the rightful one.
    ///
    /// - Parameter until: its consent's codes of until then are revoked; nil: none are.
    /// - Returns: nil where the code is to be exchanged now.
    public func refusal(
        of attempt: Redemption, consentRevokedUntil until: Milliseconds?
    ) -> CodeRefusal? {
        if attempt.now >= expiresAt { return .expired }
        if attempt.institution != institution { return .otherInstitution }
        if attempt.provider != provider { return .otherProvider }
        if attempt.redirectURI != redirectURI { return .otherRedirectURI }
        if let revocations = attempt.revocations,
            revocations.covers(
                issuedAt: id.issuedAt, institution: institution, provider: provider)
        {
            return .revoked
        }
        if let until, id.issuedAt <= until { return .revoked }
        return attempt.authorisation.refusal(of: scope).map { .notAuthorised($0) }
    }

    /// The token that `attempt` makes of this code, and the state that goes back with it. What the
    /// code holds moves.
    consuming func spent(on attempt: Redemption) -> (token: AccessToken, state: String?) {
        (
            AccessToken(
                id: attempt.token, institution: institution, provider: provider, scope: scope,
                consent: attempt.holder.map(consent.held) ?? consent, codeIssuedAt: id.issuedAt,
                expiresAt: attempt.tokenExpiresAt), state
        )
    }

    /// The token that `attempt` makes of this code.
    public func token(for attempt: Redemption) -> AccessToken {
        AccessToken(
            id: attempt.token, institution: institution, provider: provider, scope: scope,
            consent: attempt.holder.map(consent.held) ?? consent, codeIssuedAt: id.issuedAt,
            expiresAt: attempt.tokenExpiresAt)
    }
}
