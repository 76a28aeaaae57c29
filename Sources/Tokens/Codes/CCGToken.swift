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
    case providerDisabled, providerRemoved
}
