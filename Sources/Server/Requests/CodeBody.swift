// The body of `POST /v1/obie/authorization_codes`: which members it has and what each must be.

import Tokens

/// The body of `POST /v1/obie/authorization_codes`.
struct CodeBody: Body {
    let consent: Consent
    let redirectURI: String
    let scope: Scope
    let state: String?

    static let keys = JSONKeys([
        "consent_id", "psu_account_id", "redirect_uri", "scope", "state",
    ])
    private static let stateBytesMax = 1024

    init(_ bytes: Span<UInt8>) throws(BodyFaults) {
        var members = try Members(bytes, of: CodeBody.self)
        let consentID = members.requiredString(0)?.text(bytes)
        members.check(
            Members.isShort(consentID),
            "consent_id must be at most 128 characters")
        let accountID = members.requiredString(1)?.text(bytes)
        members.check(
            Members.isShort(accountID),
            "psu_account_id must be at most 128 characters")
        let redirectURI = members.requiredString(2)?.text(bytes)
        members.check(
            redirectURI.map {
                $0.utf8.count <= AbsoluteURI.bytesMax && AbsoluteURI.isValid($0)
            } ?? true,
            "redirect_uri must be an absolute URI without fragment, at most 2048 bytes")
        let scopeText = members.requiredString(3)?.text(bytes)
        let scope = scopeText.flatMap { Scope($0) }
        members.check(
            scopeText == nil || scope != nil,
            "scope must be accounts, payments or fundsconfirmations")
        let state = members.string(4)?.text(bytes)
        members.check(
            state.map { $0.utf8.count <= CodeBody.stateBytesMax } ?? true,
            "state must be at most 1024 bytes")
        guard members.faults.isEmpty, let consentID, let accountID, let redirectURI, let scope
        else { throw BodyFaults(faults: members.faults) }
        consent = Consent(id: consentID, accountID: accountID)
        self.redirectURI = redirectURI
        self.scope = scope
        self.state = state
    }
}
