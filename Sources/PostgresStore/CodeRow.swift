// The row of a code that was not spent, put to the verdict.

import Tokens

/// What the database finds a token by.
struct TokenKey: Equatable, Sendable, StoredTokenKey {
    let issuedAt: Milliseconds
    let digest: [UInt8]

    func isKey(of id: Identifier) -> Bool { Digest.of(id) == digest }
}

enum CodeRow {
    enum Judgement {
        case answer(RedemptionOutcome)
        /// The code was used by another attempt; the question has revoked the token.
        case replayed(RedemptionOutcome, tokenIssuedAt: Milliseconds)
        /// The code was used by another attempt, and this one has an idempotency key.
        case followUp(FollowUp.Kind, TokenKey)
        /// The verdict admits it: somebody has made it good again in between.
        case admitted
        /// No version of this program has written the row.
        case senseless
    }

    /// - Parameters:
    ///   - mayBeDone: the attempt has been sent before.
    ///   - row: as `Statement.question` gives it.
    static func judge(
        _ attempt: Redemption, mayBeDone: Bool, _ result: ServerResult, _ row: Int
    ) -> Judgement {
        let consent = Consent(id: result.text(row, 5), accountID: result.text(row, 6))
        let state = result.optionalText(row, 7)
        guard let scope = Scope(rawValue: UInt8(truncatingIfNeeded: result.number(row, 4))) else {
            return .senseless
        }
        if let issuedAt = result.optionalNumber(row, 9) {
            let token = TokenKey(issuedAt: issuedAt, digest: result.bytes(row, 10))
            let code = UsedCode(
                id: attempt.code, institution: result.institution(row, 1), token: token,
                state: state)
            let spender = result.optionalNumber(row, 12)
            if code.institution == attempt.institution, token.isKey(of: attempt.token),
                // This very attempt has spent it, and another may have been given its token since.
                spender == attempt.number || spender == nil && mayBeDone
            {
                return .answer(
                    .redeemed(state: state, consent: attempt.isAudited ? consent : nil))
            }
            let known = AccessToken(
                id: attempt.token, institution: code.institution, provider: result.provider(row, 2),
                scope: scope, consent: consent, codeIssuedAt: attempt.code.issuedAt,
                expiresAt: result.optionalNumber(row, 14))
            let isThere = result.optionalNumber(row, 13) != nil
            let isAlive =
                isThere && known.isRepeatable(consentRevokedUntil: result.optionalNumber(row, 11))
            return judge(code, attempt, known, isThere: isThere, isAlive: isAlive)
        }
        let code = StoredCode<TokenKey>.unused(
            AuthorizationCode(
                id: attempt.code, institution: result.institution(row, 1),
                provider: result.provider(row, 2), redirectURI: result.redirectURI(row, 3),
                scope: scope, consent: consent, state: state, expiresAt: result.number(row, 8)))
        switch code.verdict(on: attempt, consentRevokedUntil: result.optionalNumber(row, 11)) {
        case .admitted: return .admitted
        case .refused(let refusal): return .answer(code.outcome(refusal, of: attempt))
        case .replayed, .repeated: return .senseless
        }
    }

    /// - Parameters:
    ///   - known: what its token grants, under whatever identifier.
    ///   - isThere: nobody has revoked the token itself.
    private static func judge(
        _ code: UsedCode<TokenKey>, _ attempt: Redemption, _ known: AccessToken, isThere: Bool,
        isAlive: Bool
    ) -> Judgement {
        let consentID = attempt.isAudited && isThere ? known.consent.id : nil
        switch code.verdict(on: attempt) {
        case .refused(let refusal): return .answer(.refused(refusal))
        case .repeated(let token, let proven):
            guard isAlive else { return .followUp(.revoke(consentID: consentID), token) }
            return .followUp(
                .give(
                    RepeatedExchange(
                        token: proven, scope: known.scope, state: code.state,
                        consent: attempt.isAudited ? known.consent : nil,
                        tokenExpiresAt: known.expiresAt)),
                token)
        case .replayed(let token):
            if attempt.proof != nil { return .followUp(.revoke(consentID: consentID), token) }
            return .replayed(
                attempt.replayed(.digest(token.digest), of: consentID),
                tokenIssuedAt: token.issuedAt)
        case .admitted: return .senseless
        }
    }
}
