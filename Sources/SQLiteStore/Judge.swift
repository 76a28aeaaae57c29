// Puts the row of a code to the verdict, while the statement that would spend it stands on it.

import Tokens

/// What the file finds a token by.
struct TokenKey: Equatable, Sendable, StoredTokenKey {
    let issuedAt: Milliseconds
    let digest: [UInt8]

    func isKey(of id: Identifier) -> Bool { Digest.of(id) == digest }
}

/// One attempt at a time: `expect` it, run the statement, take what was judged.
final class Judge {
    /// The code that the statement has stood on, and what came of the attempt.
    struct Judgement {
        let code: StoredCode<TokenKey>
        let verdict: CodeVerdict<TokenKey>
    }

    /// What `admits` reads, in this order.
    ///
    /// - Parameter anyRevoked: whether any consent is revoked.
    static func columns(anyRevoked: Bool) -> String {
        """
        institution, provider, redirect_uri, scope, consent, account, state, expires_at,
        token_issued_at, token_digest,
        \(anyRevoked ? RevokedConsentTable.moment(ofRowsIn: "codes") : "NULL")
        """
    }
    static let columnCount: Int32 = 11

    private var attempt: Redemption?
    /// nil: there was no such row.
    private var judgement: Result<Judgement, DatabaseError>?

    func expect(_ attempt: Redemption) {
        self.attempt = attempt
        judgement = nil
    }

    /// - Returns: nil where there is no such code.
    /// - Throws: where its row cannot be read.
    func takeJudgement() throws(DatabaseError) -> Judgement? {
        var taken: Result<Judgement, DatabaseError>?
        swap(&taken, &judgement)
        return try taken?.get()
    }

    /// - Returns: true where the row is to be spent.
    func admits(_ row: Row) -> Bool {
        guard let attempt else { return false }
        do throws(DatabaseError) {
            let code = try Judge.code(attempt.code, row)
            let verdict = code.verdict(
                on: attempt, consentRevokedUntil: row.optionalInteger(10))
            judgement = .success(Judgement(code: code, verdict: verdict))
            return verdict == .admitted
        } catch {
            judgement = .failure(error)
            return false
        }
    }

    private static func code(
        _ id: Identifier, _ row: Row
    ) throws(DatabaseError) -> StoredCode<TokenKey> {
        guard row.isNull(9) else {
            return .used(
                UsedCode(
                    id: id, institution: row.institution(0),
                    token: TokenKey(issuedAt: row.integer(8), digest: row.blob(9)),
                    state: row.optionalText(6)))
        }
        return .unused(
            AuthorizationCode(
                id: id, institution: row.institution(0), provider: row.provider(1),
                redirectURI: row.redirectURI(2), scope: try row.scope(3),
                consent: Consent(id: row.text(4), accountID: row.text(5)),
                state: row.optionalText(6), expiresAt: row.integer(7)))
    }
}
