// What the domain can refuse, apart from the shape of a request.

public enum TokenError: Error, Equatable, Sendable {
    /// The CCG token speaks for nobody; the reason is for the audit log.
    case ccgTokenInvalid(CCGTokenRefusal)
    /// The code cannot be exchanged; the reason, the token that was revoked for it, and the redirect
    /// URI that it was made with are for the audit log.
    case codeRefused(
        CodeRefusal, revoked: RevokedToken? = nil, madeWith: Provider.RedirectURI.ID? = nil)
    /// The provider may not have what was asked for; a code that was brought is still good.
    case providerNotAuthorised(ProviderRefusal)
    /// The certificate that came with an exchange is not the provider's; the code is still good.
    case certificateInvalid(CertificateRefusal)
    /// The store failed; the error says whether anything may have changed.
    case store(StoreError)
}
