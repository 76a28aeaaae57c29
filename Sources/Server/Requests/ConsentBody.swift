// The body of `POST /v1/obie/consents/revoke`: which members it has and what each must be.

import Tokens

/// The body of `POST /v1/obie/consents/revoke`.
struct ConsentBody: Body {
    let consentID: String

    static let keys = JSONKeys(["consent_id"])

    init(_ bytes: Span<UInt8>) throws(BodyFaults) {
        var members = try Members(bytes, of: ConsentBody.self)
        let consentID = members.requiredString(0)?.text(bytes)
        members.check(
            Members.isShort(consentID),
            "consent_id must be at most 128 characters")
        guard members.faults.isEmpty, let consentID else {
            throw BodyFaults(faults: members.faults)
        }
        self.consentID = consentID
    }
}
