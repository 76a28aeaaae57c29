// The row of a code that was not spent, put to the verdict.

import Tokens

/// What the database finds a token by.
struct TokenKey: Equatable, Sendable {
    let issuedAt: Milliseconds
    let digest: [UInt8]
}

enum CodeRow {
    enum Judgement {
        case answer(RedemptionOutcome)
        /// The code was used by another attempt; the question has revoked the token.
        case replayed(RedemptionOutcome, tokenIssuedAt: Milliseconds)
        /// The verdict admits it: somebody has made it good again in between.
        case admitted
        /// No version of this program has written the row.
        case senseless
    }

    /// - Parameter row: as `Statement.question` gives it.
    static func judge(_ attempt: Redemption, _ result: ServerResult, _ row: Int) -> Judgement {
        let consent = Consent(id: result.text(row, 5), accountID: result.text(row, 6))
        let state = result.optionalText(row, 7)
        if let issuedAt = result.optionalNumber(row, 9) {
            let token = TokenKey(issuedAt: issuedAt, digest: result.bytes(row, 10))
            let institution = result.institution(row, 1)
            // A repetition: this very attempt has spent it.
            if institution == attempt.institution, token.digest == Digest.of(attempt.token) {
                return .answer(
                    .redeemed(state: state, consent: attempt.isAudited ? consent : nil))
            }
            let code = UsedCode(id: attempt.code, institution: institution, token: token)
            switch code.verdict(on: attempt) {
            case .refused(let refusal): return .answer(.refused(refusal))
            case .replayed(let token):
                return .replayed(
                    .refused(.used, revoked: attempt.isAudited ? .digest(token.digest) : nil),
                    tokenIssuedAt: token.issuedAt)
            case .admitted: return .senseless
            }
        }
        guard let scope = Scope(rawValue: UInt8(truncatingIfNeeded: result.number(row, 4))) else {
            return .senseless
        }
        let code = StoredCode<TokenKey>.unused(
            AuthorizationCode(
                id: attempt.code, institution: result.institution(row, 1),
                provider: result.provider(row, 2), redirectURI: result.redirectURI(row, 3),
                scope: scope, consent: consent, state: state, expiresAt: result.number(row, 8)))
        switch code.verdict(on: attempt, consentRevokedUntil: result.optionalNumber(row, 11)) {
        case .admitted: return .admitted
        case .refused(let refusal): return .answer(code.outcome(refusal, of: attempt))
        case .replayed: return .senseless
        }
    }
}
