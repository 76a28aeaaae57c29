// What an operator registers, as it is kept: everything, the disabled too. `Registry` is what
// requests see of it.

/// An institution as it is kept.
public struct InstitutionRecord: Equatable, Sendable {
    public let id: Institution.ID
    public let reference: String
    /// Requests see nothing of it until it is enabled again.
    public var isDisabled = false
    /// Whatever was issued for it until then is revoked.
    public var revokedUntil: Milliseconds?

    public init(
        id: Institution.ID, reference: String, isDisabled: Bool = false,
        revokedUntil: Milliseconds? = nil
    ) {
        self.id = id
        self.reference = reference
        self.isDisabled = isDisabled
        self.revokedUntil = revokedUntil
    }
}

/// A provider as it is kept.
public struct ProviderRecord: Equatable, Sendable {
    public let id: Provider.ID
    public let reference: String
    public var redirectURIs: [Provider.RedirectURI]
    /// Requests see nothing of it until it is enabled again.
    public var isDisabled = false
    /// Whatever was issued for it until then is revoked.
    public var revokedUntil: Milliseconds?

    public init(
        id: Provider.ID, reference: String, redirectURIs: [Provider.RedirectURI],
        isDisabled: Bool = false, revokedUntil: Milliseconds? = nil
    ) {
        self.id = id
        self.reference = reference
        self.redirectURIs = redirectURIs
        self.isDisabled = isDisabled
        self.revokedUntil = revokedUntil
    }
}

/// The credentials of an API client as they are kept.
public struct ClientRecord: Equatable, Sendable {
    /// A secret that was replaced and is still taken for a while.
    public struct OldSecret: Equatable, Sendable {
        public let digest: SecretDigest
        /// From this moment on it is refused.
        public let until: Milliseconds

        public init(digest: SecretDigest, until: Milliseconds) {
            self.digest = digest
            self.until = until
        }
    }

    public let id: String
    public var secret: SecretDigest
    public var oldSecret: OldSecret?
    /// It may act for these; at least one.
    public var institutions: Set<Institution.ID>

    public init(
        id: String, secret: SecretDigest, oldSecret: OldSecret? = nil,
        institutions: Set<Institution.ID>
    ) {
        self.id = id
        self.secret = secret
        self.oldSecret = oldSecret
        self.institutions = institutions
    }
}

/// A consent whose tokens are revoked.
public struct ConsentRevocation: Hashable, Sendable {
    public let consentID: String
    /// nil: whichever institution it was given at.
    public let institution: Institution.ID?

    public init(consentID: String, institution: Institution.ID?) {
        self.consentID = consentID
        self.institution = institution
    }
}

/// What a change of the registry can be refused for: one sentence that says what to do.
public enum RegistryError: Error, Equatable, CustomStringConvertible {
    case institutionUnknown(String)
    case institutionExists(String)
    case institutionInvalid(String)
    case providerUnknown(String)
    case providerExists(String)
    case providerInvalid(String)
    case clientUnknown(String, institution: String)
    case clientInvalid(String)
    case clientAmbiguous([String], institution: String)
    case redirectURIInvalid(String)
    case redirectURIExists(String)
    case redirectURIUnknown(String)
    case consentInvalid(String)

    public var description: String {
        switch self {
        case .institutionUnknown(let reference):
            "there is no institution \(reference); `obie-tokens fi list` shows those there are"
        case .institutionExists(let reference):
            "the institution \(reference) is there already; `obie-tokens fi show \(reference)` "
                + "shows it"
        case .institutionInvalid(let reference):
            "'\(reference)' is no reference of an institution: write 6 to 128 visible ASCII "
                + "characters, such as PSDGB-FCA-111111"
        case .providerUnknown(let reference):
            "there is no provider \(reference); `obie-tokens psp list` shows those there are"
        case .providerExists(let reference):
            "the provider \(reference) is there already; `obie-tokens psp show \(reference)` "
                + "shows it"
        case .providerInvalid(let reference):
            "'\(reference)' is no reference of a provider: write 1 to 128 visible ASCII "
                + "characters, such as PSDGB-FCA-222222"
        case .clientUnknown(let id, let institution):
            "no client \(id) acts for \(institution); `obie-tokens fi show \(institution)` shows "
                + "those that do"
        case .clientInvalid(let id):
            "'\(id)' is no client id: write 1 to 128 visible ASCII characters without a colon "
                + "(RFC 7617), with --client"
        case .clientAmbiguous(let ids, let institution):
            "several clients act for \(institution): choose one of \(ids.joined(separator: ", ")) "
                + "with --client"
        case .redirectURIInvalid(let uri):
            "'\(uri)' is no redirect URI: write an absolute URI without a fragment, at most "
                + "\(AbsoluteURI.bytesMax) bytes, such as https://psp.example/callback"
        case .redirectURIExists(let uri): "the redirect URI \(uri) is registered already"
        case .redirectURIUnknown(let uri):
            "the redirect URI \(uri) is not registered for the provider; URIs are compared byte "
                + "for byte, and `obie-tokens psp show` shows them"
        case .consentInvalid(let id):
            "'\(id)' is no consent id: write 1 to 128 characters"
        }
    }
}
