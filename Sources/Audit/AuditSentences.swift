// What the stable names in a log mean, for people.

import Tokens

enum AuditSentences {
    /// What happened. A name of another version stays as it is.
    static func event(_ name: String) -> String {
        guard let kind = AuditEvent.Kind(rawValue: name) else { return name }
        return switch kind {
        case .codeIssued: "an authorization code was issued"
        case .tokenIssued: "a code was exchanged for an access token"
        case .ccgTokenIssued: "a CCG token was issued"
        case .exchangeRepeated:
            "an exchange was repeated under its idempotency key, and got the same access token"
        case .refused: "a request was refused"
        case .codeReplayed: "a used code came again, and the token made of it was revoked"
        case .tokenRevoked: "an access token was revoked"
        case .consentRevoked: "a consent was revoked"
        case .registryChangeBegun: "a change of the registry was about to be made"
        case .registryChanged: "a command has changed the registry, keys or files"
        case .registryChangeFailed: "a change of the registry has failed"
        case .authenticationFailed: "a client could not prove who it is"
        case .started: "a server started"
        case .stopped: "a server stopped in order"
        case .refusalsSuppressed: "refusals were counted instead of written"
        }
    }

    /// The precise reason. What has no name is a sentence already.
    static func reason(_ name: String) -> String {
        guard let reason = AuditReason(rawValue: name) else { return name }
        return "\(sentence(reason)) (\(name))"
    }

    private static func sentence(_ reason: AuditReason) -> String {
        switch reason {
        case .codeUnknown:
            "No such code was ever issued here, or it is so old that it has been forgotten."
        case .codeExpired: "The code was right, but came after its lifetime had ended."
        case .codeUsed: "The code had been exchanged before."
        case .codeOfOtherInstitution: "The code was made for another institution."
        case .codeOfOtherProvider:
            "The code was made for another provider than the one that the CCG token stands for."
        case .codeForOtherRedirectURI:
            "The redirect URI is not, byte for byte, the one that the code was made with."
        case .codeRevoked:
            "A kill switch had revoked all codes of its institution, provider or consent."
        case .ccgTokenRevoked:
            "A kill switch had revoked all CCG tokens of its institution or provider."
        case .ccgTokenOfDisabledProvider:
            "The provider that the CCG token stands for is disabled."
        case .ccgTokenOfRemovedProvider:
            "The provider that the CCG token stands for was removed."
        case .ccgTokenOfUnknownProvider:
            "The provider that the CCG token stands for is disabled or was removed."
        case .ccgTokenUnknown: "No such CCG token was ever issued here, or it is long expired."
        case .ccgTokenExpired: "The CCG token was right, but came after its lifetime had ended."
        case .ccgTokenOfOtherInstitution: "The CCG token was issued to another institution."
        case .credentialsMissing: "The request had no Authorization header."
        case .credentialsMalformed: "The Authorization header was not Basic credentials."
        case .credentialsWrong: "No client has this id and this secret."
        case .clientCertificateMissing:
            "The secret was right, but the client showed no certificate, and the registry has a rule for it."
        case .clientCertificateMalformed: "The client's certificate could not be read."
        case .clientCertificateWrong:
            "The secret was right, but the certificate is not the one that the registry has a rule for: "
                + "another one, of another authority, out of its time, or revoked."
        case .institutionUnknown: "No institution with this reference was ever registered."
        case .institutionDisabled: "The institution is disabled."
        case .institutionRemoved: "The institution was removed."
        case .institutionForbidden: "The client may not act for this institution."
        case .providerUnknown: "No provider with this reference was ever registered."
        case .providerDisabled: "The provider is disabled."
        case .providerRemoved: "The provider was removed."
        case .providerWithdrawn: "The provider's authority had withdrawn its authorisation."
        case .accountsNotAuthorised: "The provider was not authorised for account information."
        case .paymentsNotAuthorised: "The provider was not authorised for payment initiation."
        case .fundsConfirmationsNotAuthorised:
            "The provider was not authorised for funds confirmation."
        case .redirectURIUnregistered:
            "The redirect URI is not, byte for byte, one of those registered for the provider."
        case .certificateNotYetValid: "The provider's certificate was not valid yet."
        case .certificateExpired: "The provider's certificate had expired."
        case .certificateOfOtherProvider:
            "The certificate's organizationIdentifier was not the reference of the provider that the CCG "
                + "token stands for."
        case .certificateOfAuthority: "The certificate was an authority's own."
        case .certificateExtensionUnknown:
            "The certificate had a critical extension that the server does not know."
        case .certificateUntrusted:
            "No authority of eidas-ca had issued the provider's certificate."
        case .accountsNotCertified:
            "The provider's certificate had no role for account information (PSP_AI)."
        case .paymentsNotCertified:
            "The provider's certificate had no role for payment initiation (PSP_PI)."
        case .fundsConfirmationsNotCertified:
            "The provider's certificate had no role for funds confirmation (PSP_IC)."
        case .tooManyFailures: "Too many attempts before this one had failed."
        case .storeUnavailable: "The store could not be read or written; nothing was changed."
        case .storeFull: "The store holds as much as it may; nothing was changed."
        case .auditUnavailable:
            "The audit log could not be put on disk, so the answer was held back. The store has what was "
                + "done; nobody was told of it."
        case .storeOutcomeUnknown:
            "The store failed while it wrote; nobody knows whether this was done. A code may be spent."
        }
    }
}
