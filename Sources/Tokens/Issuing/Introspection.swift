// What a gateway may learn about a token (RFC 7662 §2.2).

/// A token that is alive.
public struct ActiveToken: Sendable {
    public let scope: Scope
    /// The provider's reference.
    public let providerReference: String
    public let issuedAt: Milliseconds
    /// At most as far ahead as `IssuerSettings.introspectionExpMax` allows.
    public let expiresAt: Milliseconds?
    public let consent: Consent

    /// The certificate of whoever may use it (RFC 8705 §3.2); nil: anybody who has it.
    public var holder: Thumbprint? { consent.holder }
}

extension AccessToken {
    /// As a client may see it now; nil: it may not.
    fileprivate func active(
        _ client: Client, _ registry: Registry, _ settings: IssuerSettings, _ now: Milliseconds
    ) -> ActiveToken? {
        guard client.mayAct(for: institution), let provider = registry.provider(provider),
            provider.authorisation.refusal(of: scope) == nil,
            registry.revocations?.covers(
                issuedAt: codeIssuedAt, institution: institution, provider: provider.id) != true
        else { return nil }
        return ActiveToken(
            scope: scope, providerReference: provider.reference, issuedAt: id.issuedAt,
            expiresAt: settings.expiry(ofIntrospected: expiresAt, now: now), consent: consent)
    }
}

extension TokenIssuer {
    /// Looks a token up.
    ///
    /// - Parameters:
    ///   - token: nil where the text cannot be a token of ours.
    ///   - client: sees tokens of the institutions that it may act for, and no others.
    ///   - completion: on this thread, now or later; nil for a token that is unknown, expired,
    ///     revoked or none of the client's business, or whose provider or institution is disabled, or
    ///     whose provider is not authorised for its scope now. All look the same.
    public func introspect(
        _ token: SealedIdentifier?, client: Client, now: Milliseconds,
        completion: @escaping (Result<ActiveToken?, TokenError>) -> Void
    ) {
        guard let token, let opening = open(token, youngerThan: settings.tokenLifetime, now: now)
        else { return completion(.success(nil)) }
        let (registry, settings) = (registry, settings)
        if let result = tokenAtOnce(opening, now: now) {
            return completion(
                result.map { $0?.active(client, registry, settings, now) }.mapError(
                    TokenError.store))
        }
        self.token(opening, now: now) { result in
            completion(
                result.map { $0?.active(client, registry, settings, now) }.mapError(
                    TokenError.store))
        }
    }

    /// Revokes a consent that the customer has withdrawn.
    ///
    /// - Parameter completion: on this thread, now or later, once nothing that was issued for it at this
    ///   institution until now is alive any more, nor can come to life.
    public func revoke(
        consent consentID: String, institution: Institution.ID, now: Milliseconds,
        completion: @escaping (Result<Void, TokenError>) -> Void
    ) {
        let consent = ConsentRevocation(consentID: consentID, institution: institution)
        store.revoke(consent, now: now) { completion($0.mapError(TokenError.store)) }
    }

    /// Revokes a token (RFC 7009), for good: it is not told the time, since a token that no lifetime or
    /// clock lets live now may live again under another. One that is unknown, or of an institution
    /// that is none of the client's, stays as it is.
    ///
    /// - Parameters:
    ///   - token: nil where the text cannot be a token of ours.
    ///   - client: its institutions count while they are disabled, too.
    ///   - completion: on this thread, now or later, once no look-up finds the token any more:
    ///     what was revoked, or nil where nothing was.
    public func revoke(
        _ token: SealedIdentifier?, client: Client,
        completion: @escaping (Result<AccessToken?, TokenError>) -> Void
    ) {
        guard let token else { return completion(.success(nil)) }
        store.revoke(openings(token), of: client.allInstitutions) { result in
            completion(result.mapError(TokenError.store))
        }
    }
}
