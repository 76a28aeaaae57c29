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
    /// For people.
    public var name: String?
    public var redirectURIs: [Provider.RedirectURI]
    public var authorisation: Authorisation
    /// Requests see nothing of it until it is enabled again.
    public var isDisabled = false
    /// Whatever was issued for it until then is revoked.
    public var revokedUntil: Milliseconds?

    public init(
        id: Provider.ID, reference: String, name: String? = nil,
        redirectURIs: [Provider.RedirectURI], authorisation: Authorisation = .full,
        isDisabled: Bool = false, revokedUntil: Milliseconds? = nil
    ) {
        self.id = id
        self.reference = reference
        self.name = name
        self.redirectURIs = redirectURIs
        self.authorisation = authorisation
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
    /// What it must show beside its secret; nil: nothing.
    public var certificate: CertificateRule?

    public init(
        id: String, secret: SecretDigest, oldSecret: OldSecret? = nil,
        institutions: Set<Institution.ID>, certificate: CertificateRule? = nil
    ) {
        self.id = id
        self.secret = secret
        self.oldSecret = oldSecret
        self.institutions = institutions
        self.certificate = certificate
    }
}

/// A consent whose codes and tokens are revoked.
public struct ConsentRevocation: Hashable, Sendable {
    public let consentID: String
    /// nil: whichever institution it was given at.
    public let institution: Institution.ID?

    public init(consentID: String, institution: Institution.ID?) {
        self.consentID = consentID
        self.institution = institution
    }

    /// What was revoked until before this moment nobody needs to know any more: nothing made so long
    /// ago is left that could be alive.
    ///
    /// - Parameter oldest: no code or token that a store has was issued earlier; nil: it has none.
    public static func outlivedBefore(
        oldest: Milliseconds?, now: Milliseconds
    ) -> Milliseconds {
        // A token is younger than its code, by as much as a code may live.
        min(oldest ?? now, now) - IssuerSettings.codeLifetimeMax
    }
}
