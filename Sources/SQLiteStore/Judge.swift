// Decides whether a code's row may be spent, while the statement that would spend it stands on it.

import Tokens

/// One attempt at a time: `expect` it, run the statement, take the verdict.
final class Judge {
    enum Verdict {
        case noSuchCode
        case admitted(AuthorizationCode)
        case refused(CodeRefusal)
        /// The same institution presents a used code again; its token is the one to revoke.
        case replayed(tokenIssuedAt: Milliseconds, tokenDigest: [UInt8])
        case unreadable(DatabaseError)
    }

    /// What `admits` reads, in this order.
    static let columns = """
        institution, provider, redirect_uri, scope, consent, account, state, expires_at,
        token_issued_at, token_digest
        """
    static let columnCount: Int32 = 10

    private var attempt: Redemption?
    private var verdict = Verdict.noSuchCode

    func expect(_ attempt: Redemption) {
        self.attempt = attempt
        verdict = .noSuchCode
    }

    func takeVerdict() -> Verdict {
        var taken = Verdict.noSuchCode
        swap(&taken, &verdict)
        return taken
    }

    /// - Returns: true where the row is to be spent.
    func admits(_ row: Row) -> Bool {
        guard let attempt else { return false }
        do throws(DatabaseError) {
            verdict = try judge(attempt, row)
        } catch {
            verdict = .unreadable(error)
        }
        if case .admitted = verdict { return true }
        return false
    }

    private func judge(_ attempt: Redemption, _ row: Row) throws(DatabaseError) -> Verdict {
        let institution = Institution.ID(UInt32(truncatingIfNeeded: row.integer(0)))
        guard row.isNull(9) else {
            return institution == attempt.institution
                ? .replayed(tokenIssuedAt: row.integer(8), tokenDigest: row.blob(9))
                : .refused(.otherInstitution)
        }
        let code = AuthorizationCode(
            id: attempt.code, institution: institution,
            provider: Provider.ID(UInt32(truncatingIfNeeded: row.integer(1))),
            redirectURI: Provider.RedirectURI.ID(UInt32(truncatingIfNeeded: row.integer(2))),
            scope: try Transactions.scope(row.integer(3)),
            consent: Consent(id: row.text(4), accountID: row.text(5)),
            state: row.isNull(6) ? nil : row.text(6), expiresAt: row.integer(7))
        return code.refusal(of: attempt).map { .refused($0) } ?? .admitted(code)
    }
}
