// A CCG token: what a client-credentials grant gives an institution. It says which provider a
// request is about.

public struct CCGToken: Sendable {
    public let id: Identifier
    /// It is worthless to any other.
    public let institution: Institution.ID
    public let provider: Provider.ID
    public let expiresAt: Milliseconds

    public init(
        id: Identifier, institution: Institution.ID, provider: Provider.ID, expiresAt: Milliseconds
    ) {
        self.id = id
        self.institution = institution
        self.provider = provider
        self.expiresAt = expiresAt
    }
}

/// Why a CCG token was refused. For the audit log only: outside, all of them look the same.
public enum CCGTokenRefusal: Error, Equatable, Sendable {
    case unknown, expired, otherInstitution, revoked
    /// Its provider was disabled or removed.
    case providerUnknown
}

/// A request for a CCG token.
public struct CCGTokenRequest: Sendable {
    public let institution: Institution.ID
    public let provider: Provider.ID

    public init(institution: Institution.ID, provider: Provider.ID) {
        self.institution = institution
        self.provider = provider
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

    /// The provider that a CCG token speaks for: the sandbox's fixed one, or one that was issued to
    /// this very institution and has not expired.
    ///
    /// - Parameter completion: on this thread, now or later.
    public func provider(
        ccgToken: [UInt8], institution: Institution.ID, now: Milliseconds,
        completion: @escaping (Result<Provider, TokenError>) -> Void
    ) {
        if let fixed = registry.fixedCCGToken {
            let isRight = fixed.secret.matches(SecretDigest(of: ccgToken))
            let provider = isRight ? registry.provider(fixed.provider) : nil
            return completion(
                provider.map(Result.success)
                    ?? .failure(.ccgTokenInvalid(isRight ? .providerUnknown : .unknown)))
        }
        guard let sealed = SealedIdentifier(token: ccgToken.span),
            let id = open(sealed, youngerThan: settings.ccgTokenLifetime, now: now)
        else { return completion(.failure(.ccgTokenInvalid(.unknown))) }
        store.ccgToken(id) { [registry] result in
            switch result {
            case .failure(let error): completion(.failure(.store(error)))
            case .success(let token):
                completion(
                    CCGToken.provider(token, institution: institution, now: now, registry)
                        .mapError(TokenError.ccgTokenInvalid))
            }
        }
    }
}

extension CCGToken {
    /// All the rules of a CCG token.
    ///
    /// - Parameter token: nil for one that the store does not know.
    fileprivate static func provider(
        _ token: CCGToken?, institution: Institution.ID, now: Milliseconds, _ registry: Registry
    ) -> Result<Provider, CCGTokenRefusal> {
        guard let token else { return .failure(.unknown) }
        if token.institution != institution { return .failure(.otherInstitution) }
        if now >= token.expiresAt { return .failure(.expired) }
        let isRevoked = registry.revocations?.covers(
            issuedAt: token.id.issuedAt, institution: institution, provider: token.provider,
            consentID: nil)
        if isRevoked == true { return .failure(.revoked) }
        return registry.provider(token.provider).map(Result.success)
            ?? .failure(.providerUnknown)
    }
}
