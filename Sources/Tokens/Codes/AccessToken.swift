// An access token: what it lets its holder do, and until when.

public struct AccessToken: Sendable {
    public let id: Identifier
    public let institution: Institution.ID
    public let provider: Provider.ID
    public let scope: Scope
    public let consent: Consent
    /// When the code was made that it came from: revocations judge it by that, so that no exchange
    /// under way can carry a code past one.
    public let codeIssuedAt: Milliseconds
    /// From this moment on it is not active; nil: it never expires.
    public let expiresAt: Milliseconds?

    /// The certificate of whoever may use it (RFC 8705 §3); nil: anybody who has it.
    public var holder: Thumbprint? { consent.holder }

    public init(
        id: Identifier, institution: Institution.ID, provider: Provider.ID, scope: Scope,
        consent: Consent, codeIssuedAt: Milliseconds, expiresAt: Milliseconds?
    ) {
        self.id = id
        self.institution = institution
        self.provider = provider
        self.scope = scope
        self.consent = consent
        self.codeIssuedAt = codeIssuedAt
        self.expiresAt = expiresAt
    }

    public func isActive(at now: Milliseconds) -> Bool {
        expiresAt.map { now < $0 } ?? true
    }

    /// Whether whoever repeats its exchange is given it again: so also one that has expired since.
    ///
    /// - Parameter until: its consent's codes of until then are revoked; nil: none are.
    public func isRepeatable(consentRevokedUntil until: Milliseconds?) -> Bool {
        until.map { codeIssuedAt > $0 } ?? true
    }
}

/// A token as the audit log names it. Some stores keep nothing but digests.
public enum TokenReference: Equatable, Sendable {
    case identifier(Identifier)
    /// SHA-256 of the identifier's bytes.
    case digest([UInt8])
}

/// The token of a used code that came again, for the audit log. A class, so that outcomes stay small:
/// each exchange copies them, and a replay is seldom.
public final class RevokedToken: Sendable, Equatable {
    public let reference: TokenReference
    /// nil where the token was gone before, so that nobody could tell.
    public let consentID: String?

    public init(_ reference: TokenReference, consentID: String?) {
        self.reference = reference
        self.consentID = consentID
    }

    public static func == (one: RevokedToken, other: RevokedToken) -> Bool {
        one.reference == other.reference && one.consentID == other.consentID
    }
}
