// What the audit log is told: who did what, when, and why it was refused. Knows neither lines nor
// files; an event holds identifiers, never their sealed form, so no secret can reach the log.

/// One thing that happened. Cheap to make: the texts are shared with whoever has them already.
public struct AuditEvent: Sendable {
    /// The raw names stand in logs and never change.
    public enum Kind: String, Sendable, CaseIterable {
        case codeIssued = "code_issued"
        case tokenIssued = "token_issued"
        case ccgTokenIssued = "ccg_token_issued"
        /// The answer to an exchange was given once more, under its idempotency key.
        case exchangeRepeated = "exchange_repeated"
        /// A request that was refused, for `reason`.
        case refused
        /// A used code came again, and its token was revoked (RFC 6749 §4.1.2).
        case codeReplayed = "code_replayed"
        case tokenRevoked = "token_revoked"
        /// The customer has withdrawn a consent: nothing of it is alive.
        case consentRevoked = "consent_revoked"
        /// Somebody is about to change who exists: `change` says what. It counts where one of the two
        /// below follows, and where none does, as the registry's next version says.
        case registryChangeBegun = "registry_change_begun"
        /// Somebody changed who exists: `change` says what.
        case registryChanged = "registry_changed"
        /// A change that had begun was not made, or perhaps not: `change` says which.
        case registryChangeFailed = "registry_change_failed"
        /// Client credentials were wrong or missing.
        case authenticationFailed = "authentication_failed"
        /// Refusals that were counted instead of written, so that nobody can fill the log:
        /// `reason` says how many.
        case refusalsSuppressed = "refusals_suppressed"
        /// A server begins: `details` say which. One that ends says so too; so a start without the
        /// end of the one before it tells of a crash.
        case started
        case stopped
    }

    public var kind: Kind
    public let at: Milliseconds
    /// The error objects that the answer carried: what a caller reports is one of the ids.
    public var errors: [(id: SealedIdentifier, code: String)] = []
    /// Why it was refused, more precisely than the answer said: the raw value of an `AuditReason`,
    /// or a sentence.
    public var reason: String?
    /// As the client named itself; not proven where authentication failed.
    public var clientID: String?
    /// The raw address that the request came from: 4 bytes, or 16 for IPv6; empty where it is not
    /// known.
    public var peer: [UInt8] = []
    /// The institution's reference, such as `PSDGB-FCA-111111`.
    public var institution: String?
    /// The provider's reference, such as `PSDGB-FCA-222222`.
    public var provider: String?
    public var consentID: String?
    /// The log has a short digest of it.
    public var code: Identifier?
    /// The log has a short digest of it. Of a CCG token too.
    public var token: TokenReference?
    public var scope: Scope?
    /// The redirect URI that was presented, where it was not the right one.
    public var redirectURI: String?
    /// The one that the code was made with, where another was presented and it is still registered.
    public var codeRedirectURI: String?
    /// Of the certificate that a token is bound to, or was to be bound to.
    public var certificate: Thumbprint?
    /// The caller's own reference for the request.
    public var transactionReference: String?
    /// The id by which caller and server both log the request.
    public var interactionID: String?
    /// As the answer has it, and the access log.
    public var requestID: RequestID?
    /// Of the trace that the request is part of (W3C Trace Context).
    public var traceID: String?
    /// What a change of the registry was, in words.
    public var change: String?
    /// The person who made it, as the system knows them.
    public var actor: String?
    /// Of a server that starts, and of a change of the registry.
    public var details: [(name: String, value: String)] = []

    public init(_ kind: Kind, at: Milliseconds) {
        self.kind = kind
        self.at = at
    }
}

/// The reasons that have a name. The raw names stand in logs and never change.
public enum AuditReason: String, Sendable, CaseIterable {
    case codeUnknown = "code_unknown"
    case codeExpired = "code_expired"
    case codeUsed = "code_used"
    case codeOfOtherInstitution = "code_of_other_institution"
    case codeOfOtherProvider = "code_of_other_provider"
    case codeForOtherRedirectURI = "code_for_other_redirect_uri"
    case codeRevoked = "code_revoked"
    case ccgTokenUnknown = "ccg_token_unknown"
    case ccgTokenExpired = "ccg_token_expired"
    case ccgTokenOfOtherInstitution = "ccg_token_of_other_institution"
    case ccgTokenRevoked = "ccg_token_revoked"
    case ccgTokenOfDisabledProvider = "ccg_token_of_disabled_provider"
    case ccgTokenOfRemovedProvider = "ccg_token_of_removed_provider"
    /// Of 0.7.0 and older: one of the two above.
    case ccgTokenOfUnknownProvider = "ccg_token_of_unknown_provider"
    case credentialsMissing = "credentials_missing"
    case credentialsMalformed = "credentials_malformed"
    case credentialsWrong = "credentials_wrong"
    case clientCertificateMissing = "client_certificate_missing"
    case clientCertificateMalformed = "client_certificate_malformed"
    case clientCertificateWrong = "client_certificate_wrong"
    case institutionUnknown = "institution_unknown"
    case institutionDisabled = "institution_disabled"
    case institutionRemoved = "institution_removed"
    case institutionForbidden = "institution_forbidden"
    case providerUnknown = "provider_unknown"
    case providerDisabled = "provider_disabled"
    case providerRemoved = "provider_removed"
    case providerWithdrawn = "provider_withdrawn"
    case accountsNotAuthorised = "accounts_not_authorised"
    case paymentsNotAuthorised = "payments_not_authorised"
    case fundsConfirmationsNotAuthorised = "fundsconfirmations_not_authorised"
    case redirectURIUnregistered = "redirect_uri_unregistered"
    case certificateNotYetValid = "certificate_not_yet_valid"
    case certificateExpired = "certificate_expired"
    case certificateOfOtherProvider = "certificate_of_other_provider"
    case certificateOfAuthority = "certificate_of_authority"
    case certificateExtensionUnknown = "certificate_extension_unknown"
    case certificateUntrusted = "certificate_untrusted"
    case accountsNotCertified = "accounts_not_certified"
    case paymentsNotCertified = "payments_not_certified"
    case fundsConfirmationsNotCertified = "fundsconfirmations_not_certified"
    case tooManyFailures = "too_many_failures"
    case storeUnavailable = "store_unavailable"
    case storeFull = "store_full"
    case storeOutcomeUnknown = "store_outcome_unknown"
    case auditUnavailable = "audit_unavailable"

    public init(_ refusal: CodeRefusal) {
        self =
            switch refusal {
            case .unknown: .codeUnknown
            case .expired: .codeExpired
            case .used: .codeUsed
            case .otherInstitution: .codeOfOtherInstitution
            case .otherProvider: .codeOfOtherProvider
            case .otherRedirectURI: .codeForOtherRedirectURI
            case .revoked: .codeRevoked
            case .notAuthorised(let refusal): AuditReason(refusal)
            }
    }

    public init(_ refusal: ProviderRefusal) {
        self =
            switch refusal {
            case .withdrawn: .providerWithdrawn
            case .service(.accounts): .accountsNotAuthorised
            case .service(.payments): .paymentsNotAuthorised
            case .service(.fundsconfirmations): .fundsConfirmationsNotAuthorised
            case .certificate(.accounts): .accountsNotCertified
            case .certificate(.payments): .paymentsNotCertified
            case .certificate(.fundsconfirmations): .fundsConfirmationsNotCertified
            }
    }

    /// - Returns: nil for an institution that requests see.
    public init?(institution standing: Standing) {
        switch standing {
        case .enabled: return nil
        case .disabled: self = .institutionDisabled
        case .removed: self = .institutionRemoved
        case .unknown: self = .institutionUnknown
        }
    }

    /// - Returns: nil for a provider that requests see.
    public init?(provider standing: Standing) {
        switch standing {
        case .enabled: return nil
        case .disabled: self = .providerDisabled
        case .removed: self = .providerRemoved
        case .unknown: self = .providerUnknown
        }
    }

    public init(_ error: TokenError) {
        self =
            switch error {
            case .ccgTokenInvalid(.unknown): .ccgTokenUnknown
            case .ccgTokenInvalid(.expired): .ccgTokenExpired
            case .ccgTokenInvalid(.otherInstitution): .ccgTokenOfOtherInstitution
            case .ccgTokenInvalid(.revoked): .ccgTokenRevoked
            case .ccgTokenInvalid(.providerDisabled): .ccgTokenOfDisabledProvider
            case .ccgTokenInvalid(.providerRemoved): .ccgTokenOfRemovedProvider
            case .codeRefused(let refusal, _, _): AuditReason(refusal)
            case .providerNotAuthorised(let refusal): AuditReason(refusal)
            case .certificateInvalid(.notYetValid): .certificateNotYetValid
            case .certificateInvalid(.expired): .certificateExpired
            case .certificateInvalid(.otherProvider): .certificateOfOtherProvider
            case .certificateInvalid(.ofAuthority): .certificateOfAuthority
            case .certificateInvalid(.unknownExtension): .certificateExtensionUnknown
            case .certificateInvalid(.untrusted): .certificateUntrusted
            case .store(.unavailable): .storeUnavailable
            case .store(.full): .storeFull
            case .store(.outcomeUnknown): .storeOutcomeUnknown
            }
    }
}

/// Takes the events that an answer waits for. One per event loop, on its thread.
public protocol AuditGate: AnyObject {
    /// False while events cannot be put on disk: better not to begin anything.
    var isOpen: Bool { get }

    /// - Parameter completion: is told whether the event is on disk. Called once: later, on this
    ///   thread; but at once where the event could not even be taken.
    func record(_ event: AuditEvent, completion: @escaping (Bool) -> Void)

    /// Nothing more will be recorded. Whoever waits is told first.
    func close()
}

/// Takes events. Any thread; never blocks, never fails: what it cannot take it counts.
public protocol AuditSink: AnyObject, Sendable {
    func record(_ event: AuditEvent)
}
