// What the statement that spends codes is given of an exchange.

import Tokens

/// Numbers alone, so that sorting them and writing them down counts no references; but for the holder, whom few
/// have.
struct Spending {
    let code: Identifier
    let institution: Institution.ID
    let provider: Provider.ID
    let redirectURI: Provider.RedirectURI.ID
    let now: Milliseconds
    let token: Identifier
    let tokenExpiresAt: Milliseconds?
    let isAudited: Bool
    /// A bit for each scope that the provider is authorised for.
    let services: Int16
    /// Which attempt it is, where it has an idempotency key.
    let attempt: Int64?
    /// The certificate that the token is to be bound to.
    let holder: Thumbprint?
    /// The place of the change in its batch.
    let index: Int

    /// nil where the verdict refuses it whatever else the row says, by what the database does not know.
    init?(_ attempt: Redemption, _ index: Int) {
        let services = attempt.authorisation.servicesInForce
        guard let redirectURI = attempt.redirectURI, !services.isEmpty else { return nil }
        // A code with another institution or provider than these is refused, too.
        if attempt.revocations?.covers(
            issuedAt: attempt.code.issuedAt, institution: attempt.institution,
            provider: attempt.provider) == true
        {
            return nil
        }
        code = attempt.code
        institution = attempt.institution
        provider = attempt.provider
        self.redirectURI = redirectURI
        now = attempt.now
        token = attempt.token
        tokenExpiresAt = attempt.tokenExpiresAt
        isAudited = attempt.isAudited
        self.services = Int16(services.rawValue)
        self.attempt = attempt.number
        holder = attempt.holder
        self.index = index
    }
}
