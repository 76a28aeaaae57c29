// CCG tokens: how an institution gets one (RFC 6749 §4.4), and which provider it then speaks about.

/// A request for a CCG token.
public struct CCGTokenRequest: Sendable {
    public let institution: Institution.ID
    public let provider: Provider.ID

    public init(institution: Institution.ID, provider: Provider.ID) {
        self.institution = institution
        self.provider = provider
    }
}

/// A CCG token that was found, as it may be remembered: what it is worth at a moment is judged each
/// time.
public enum CCGGrant: Sendable {
    /// The sandbox's.
    case fixed(Provider.ID)
    case issued(CCGToken)

    /// From this moment on it is refused.
    public var expiresAt: Milliseconds {
        switch self {
        case .fixed: .max
        case .issued(let token): token.expiresAt
        }
    }
}

extension TokenIssuer {
    /// Makes a CCG token (RFC 6749 §4.4), in production.
    ///
    /// - Parameter completion: on this thread, now or later, once the token is stored.
    public func issueCCGToken(
        _ request: CCGTokenRequest, now: Milliseconds,
        completion: @escaping (Result<SealedIdentifier, TokenError>) -> Void
    ) {
        let (id, sealed) = drawIdentifier(now)
        let token = CCGToken(
            id: id, institution: request.institution, provider: request.provider,
            expiresAt: now + settings.ccgTokenLifetime)
        store.insert(token) { result in
            completion(result.map { sealed }.mapError(TokenError.store))
        }
    }

    /// Finds a CCG token: the sandbox's fixed one, or one that was issued.
    ///
    /// - Parameter completion: on this thread, now or later.
    public func lookUp(
        ccgToken: [UInt8], now: Milliseconds,
        completion: @escaping (Result<CCGGrant, TokenError>) -> Void
    ) {
        if let provider = registry.fixedTokenProvider {
            return completion(
                registry.isFixedToken(ccgToken)
                    ? .success(.fixed(provider)) : .failure(.ccgTokenInvalid(.unknown)))
        }
        guard let sealed = SealedIdentifier(token: ccgToken.span),
            let opening = open(sealed, youngerThan: settings.ccgTokenLifetime, now: now)
        else { return completion(.failure(.ccgTokenInvalid(.unknown))) }
        self.ccgToken(opening) { result in
            completion(
                result.mapError(TokenError.store).flatMap { token in
                    token.map { .success(.issued($0)) } ?? .failure(.ccgTokenInvalid(.unknown))
                })
        }
    }

    /// All the rules of a CCG token: the provider that it speaks for at `now`, as the registry of the
    /// request under way has it.
    public func provider(
        of grant: CCGGrant, institution: Institution.ID, now: Milliseconds
    ) -> Result<Provider, CCGTokenRefusal> {
        let id: Provider.ID
        switch grant {
        case .fixed(let provider): id = provider
        case .issued(let token):
            if token.institution != institution { return .failure(.otherInstitution) }
            if now >= token.expiresAt { return .failure(.expired) }
            let isRevoked = registry.revocations?.covers(
                issuedAt: token.id.issuedAt, institution: institution, provider: token.provider)
            if isRevoked == true { return .failure(.revoked) }
            id = token.provider
        }
        if let provider = registry.provider(id) { return .success(provider) }
        return .failure(registry.reference(of: id) == nil ? .providerRemoved : .providerDisabled)
    }
}
