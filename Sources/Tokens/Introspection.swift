// What a gateway may learn about a token (RFC 7662 §2.2).

/// A token that is alive.
public struct ActiveToken: Sendable {
    public let scope: Scope
    /// The provider's reference.
    public let providerReference: String
    public let issuedAt: Milliseconds
    public let expiresAt: Milliseconds?
    public let consent: Consent
}

extension TokenIssuer {
    /// Looks a token up.
    ///
    /// - Parameters:
    ///   - token: nil where the text cannot be a token of ours.
    ///   - client: sees tokens of the institutions that it may act for, and no others.
    ///   - completion: on this thread, now or later; nil for a token that is unknown, expired,
    ///     revoked or none of the client's business. The four look the same.
    public func introspect(
        _ token: SealedIdentifier?, client: Client, now: Milliseconds,
        completion: @escaping (Result<ActiveToken?, TokenError>) -> Void
    ) {
        guard let token, let id = open(token, youngerThan: settings.tokenLifetime, now: now) else {
            return completion(.success(nil))
        }
        store.token(id, now: now) { [registry] result in
            completion(
                result.mapError(TokenError.store).map { token in
                    guard let token, client.mayAct(for: token.institution),
                        let provider = registry.provider(token.provider)
                    else { return nil }
                    return ActiveToken(
                        scope: token.scope, providerReference: provider.reference,
                        issuedAt: token.id.issuedAt, expiresAt: token.expiresAt,
                        consent: token.consent)
                })
        }
    }
}
