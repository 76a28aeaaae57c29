// What the domain is asked: to make a code, to exchange one.

/// A request to exchange a code.
public struct ExchangeRequest: Sendable {
    public let institution: Institution.ID
    public let provider: Provider.ID
    /// nil where the text cannot be a code of ours.
    public let code: SealedIdentifier?
    /// nil where the text is none of the provider's.
    public let redirectURI: Provider.RedirectURI.ID?
    /// Under which it may be repeated, by the same client; nil: it may not.
    public let idempotency: (key: IdempotencyKey, client: Client.Tag)?
    /// Of the provider.
    public let authorisation: Authorisation
    /// The certificate that the token is to be bound to; nil: none.
    public let holder: Thumbprint?

    public init(
        institution: Institution.ID, provider: Provider.ID,
        authorisation: Authorisation, code: SealedIdentifier?,
        redirectURI: Provider.RedirectURI.ID?,
        idempotency: (key: IdempotencyKey, client: Client.Tag)? = nil, holder: Thumbprint? = nil
    ) {
        self.institution = institution
        self.provider = provider
        self.authorisation = authorisation
        self.code = code
        self.redirectURI = redirectURI
        self.idempotency = idempotency
        self.holder = holder
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
    /// Of the provider.
    public let authorisation: Authorisation

    public init(
        institution: Institution.ID, provider: Provider.ID,
        authorisation: Authorisation, redirectURI: Provider.RedirectURI.ID, scope: Scope,
        consent: Consent, state: String?
    ) {
        self.institution = institution
        self.provider = provider
        self.authorisation = authorisation
        self.redirectURI = redirectURI
        self.scope = scope
        self.consent = consent
        self.state = state
    }
}
