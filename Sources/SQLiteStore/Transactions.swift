// What one job does to the tables, inside a transaction that somebody else begins and commits.

import Tokens

/// The prepared statements of the writing connection, and the jobs made of them.
final class Transactions {
    let database: Database
    private let beginTransaction: Statement
    private let commitTransaction: Statement
    private let insertCode: Statement
    private let spendCode: Statement
    /// The same as long as no consent is revoked: to ask for one costs each exchange.
    private let spendCodeOfAnyConsent: Statement
    private let judge: Judge
    /// Of the code and of the token that the job under way is about.
    private let codeDigest = Digest()
    private let tokenDigest = Digest()
    private let insertToken: Statement
    /// The same for one that is bound to a certificate.
    private let insertHeldToken: Statement
    private let selectToken: Statement
    private let deleteToken: Statement
    private let insertCCGToken: Statement
    private let expiring: [ExpiredRows]
    private let consents: RevokedConsentTable
    private let space: FreeSpace
    private let touch: Statement
    private let changes: TokenChanges
    /// What the transaction under way changes.
    private var pending = TokenChanges.Pending()

    /// - Parameter keptTokens: how long tokens stay that have expired, in milliseconds.
    init(
        _ database: Database, _ changes: TokenChanges, keptTokens: Milliseconds = 0
    ) throws(DatabaseError) {
        self.database = database
        self.changes = changes
        database.countLog()
        beginTransaction = try database.prepare("BEGIN IMMEDIATE")
        commitTransaction = try database.prepare("COMMIT")
        insertCode = try database.prepare(
            "INSERT INTO codes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)")
        consents = try RevokedConsentTable(database)
        let judge = Judge()
        self.judge = judge
        try database.define("admits", columns: Judge.columnCount) { judge.admits($0) }
        spendCode = try Transactions.prepareSpending(database, anyRevoked: true)
        spendCodeOfAnyConsent = try Transactions.prepareSpending(database, anyRevoked: false)
        insertToken = try database.prepare(
            "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)")
        insertHeldToken = try database.prepare(
            "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        selectToken = try database.prepare(
            """
            SELECT \(TokenRow.columns), \(RevokedConsentTable.moment(ofRowsIn: "tokens"))
            FROM tokens WHERE issued_at = ? AND digest = ?
            """)
        deleteToken = try database.prepare(
            "DELETE FROM tokens WHERE issued_at = ? AND digest = ?")
        insertCCGToken = try database.prepare("INSERT INTO ccg_tokens VALUES (?, ?, ?, ?, ?)")
        expiring = [
            try ExpiredRows(database, "ccg_tokens"),
            try ExpiredRows(database, "codes", keptMilliseconds: ReplayMemory.milliseconds),
            try ExpiredRows(database, "tokens", keptMilliseconds: keptTokens),
        ]
        space = try FreeSpace(database)
        touch = try database.prepare("INSERT OR REPLACE INTO meta VALUES ('touched', x'00')")
        try insertCode.bind(2, to: codeDigest.bytes)
        for spendCode in [spendCode, spendCodeOfAnyConsent] {
            try spendCode.bind(2, to: tokenDigest.bytes)
            try spendCode.bind(4, to: codeDigest.bytes)
        }
        try insertToken.bind(2, to: tokenDigest.bytes)
        try insertHeldToken.bind(2, to: tokenDigest.bytes)
        try insertCCGToken.bind(2, to: tokenDigest.bytes)
        try selectToken.bind(2, to: tokenDigest.bytes)
        try deleteToken.bind(2, to: tokenDigest.bytes)
    }

    private static func prepareSpending(
        _ database: Database, anyRevoked: Bool
    ) throws(DatabaseError) -> Statement {
        try database.prepare(
            """
            UPDATE codes SET token_issued_at = ?1, token_digest = ?2, consent = '', account = '',
                state = CASE WHEN ?5 THEN state END
            WHERE issued_at = ?3 AND digest = ?4
                AND admits(\(Judge.columns(anyRevoked: anyRevoked)))
            """)
    }

    /// The log is moved into the file once it has so many pages: 16 MB.
    private static let logPagesMax: Int32 = 4000

    /// Moves the log into the file where it has become long, and says whether it had. Between transactions.
    func shortenLog() throws(DatabaseError) -> Bool {
        guard database.logPages >= Transactions.logPagesMax else { return false }
        try emptyLog()
        return true
    }

    /// Moves the log into the file, as far as readers allow.
    func emptyLog() throws(DatabaseError) { try database.checkpoint() }

    /// Moves all of the log into the file, and leaves nothing of it; false where a reader prevents it.
    func eraseLog() throws(DatabaseError) -> Bool { try database.eraseLog() }

    func begin() throws(DatabaseError) {
        pending = TokenChanges.Pending()
        try beginTransaction.run()
    }

    func commit() throws(DatabaseError) {
        changes.close(pending)
        // Whether it has failed or not: from here on nobody sees anything else.
        defer { changes.open(pending) }
        try commitTransaction.run()
    }

    func rollback(_ cause: DatabaseError) -> DatabaseError { database.rollback(cause) }

    /// Before all that is written for requests that see this state of the registry.
    func remember(_ mark: RegistryMark) throws(DatabaseError) {
        try StoreMemory.remember(mark, database)
    }

    /// A change that means nothing, to find out whether the file takes changes.
    func probe() throws(DatabaseError) { try touch.run() }

    func insert(_ code: AuthorizationCode) throws(DatabaseError) {
        try insertCode.bind(1, code.id.issuedAt)
        codeDigest.set(code.id)
        try insertCode.bind(3, Int64(code.institution.number))
        try insertCode.bind(4, Int64(code.provider.number))
        try insertCode.bind(5, Int64(code.redirectURI.number))
        try insertCode.bind(6, Int64(code.scope.rawValue))
        try insertCode.bind(7, code.consent.id)
        try insertCode.bind(8, code.consent.accountID)
        try insertCode.bind(9, code.state)
        try insertCode.bind(10, code.expiresAt)
        try insertCode.run()
    }

    func insert(_ token: CCGToken) throws(DatabaseError) {
        try insertCCGToken.bind(1, token.id.issuedAt)
        tokenDigest.set(token.id)
        try insertCCGToken.bind(3, Int64(token.institution.number))
        try insertCCGToken.bind(4, Int64(token.provider.number))
        try insertCCGToken.bind(5, token.expiresAt)
        try insertCCGToken.run()
    }

    /// Spends a code and stores its token. Won by the row that changes: `admits` judges each row in
    /// the very statement that would spend it, which saves looking it up before.
    ///
    /// What the token takes over leaves the code's row, which so stays as long as it was: rows that
    /// grow would split pages. Only the state stays, where the exchange may be repeated.
    func redeem(_ attempt: Redemption) throws(DatabaseError) -> RedemptionOutcome {
        codeDigest.set(attempt.code)
        tokenDigest.set(attempt.token)
        judge.expect(attempt)
        let spendCode = consents.isEmpty ? spendCodeOfAnyConsent : spendCode
        try spendCode.bind(1, attempt.token.issuedAt)
        try spendCode.bind(3, attempt.code.issuedAt)
        try spendCode.bind(5, attempt.proof == nil ? 0 : 1)
        try spendCode.run()
        guard let judged = try judge.takeJudgement() else { return .refused(.unknown) }
        switch (judged.verdict, judged.code) {
        case (.refused(let refusal), let code): return code.outcome(refusal, of: attempt)
        case (.replayed(let token), _): return try replayed(token, attempt)
        case (.repeated(let token, let proven), let code):
            if let again = try repeated(proven, code.state, attempt) { return again }
            return try replayed(token, attempt)
        case (.admitted, .unused(let code)):
            guard database.changes == 1 else {
                throw .corrupt("a code was admitted and not spent")
            }
            try insert(code.token(for: attempt))
            return .redeemed(state: code.state, consent: attempt.isAudited ? code.consent : nil)
        case (.admitted, .used): preconditionFailure("a used code is never admitted")
        }
    }

    private func replayed(
        _ token: TokenKey, _ attempt: Redemption
    ) throws(DatabaseError) -> RedemptionOutcome {
        try tokenDigest.set(token.digest)
        let consentID = attempt.isAudited ? try consentID(issuedAt: token.issuedAt) : nil
        try deleteToken(issuedAt: token.issuedAt)
        return attempt.replayed(.digest(token.digest), of: consentID)
    }

    /// `tokenDigest` is the token's.
    private func consentID(issuedAt: Milliseconds) throws(DatabaseError) -> String? {
        defer { selectToken.reset() }
        try selectToken.bind(1, issuedAt)
        return try selectToken.step() ? selectToken.text(TokenRow.consentColumn) : nil
    }

    /// - Returns: nil where the token is not there, or its consent is revoked.
    private func repeated(
        _ proven: ProvenToken, _ state: String?, _ attempt: Redemption
    ) throws(DatabaseError) -> RedemptionOutcome? {
        guard let (token, revokedUntil) = try token(proven.id),
            token.isRepeatable(consentRevokedUntil: revokedUntil)
        else { return nil }
        return .repeated(
            RepeatedExchange(
                token: proven, scope: token.scope, state: state,
                consent: attempt.isAudited ? token.consent : nil,
                tokenExpiresAt: token.expiresAt))
    }

    /// `tokenDigest` is the token's.
    private func insert(_ token: AccessToken) throws(DatabaseError) {
        pending.add(issuedAt: token.id.issuedAt)
        let insert = token.holder == nil ? insertToken : insertHeldToken
        try insert.bind(1, token.id.issuedAt)
        try insert.bind(3, Int64(token.institution.number))
        try insert.bind(4, Int64(token.provider.number))
        try insert.bind(5, Int64(token.scope.rawValue))
        try insert.bind(6, token.consent.id)
        try insert.bind(7, token.consent.accountID)
        try insert.bind(8, token.expiresAt)
        try insert.bind(9, token.codeIssuedAt)
        if let holder = token.holder { try insert.bind(10, holder.bytes) }
        try insert.run()
    }

    /// Deletes the token that one of the candidates is, where it is of one of the institutions.
    ///
    /// - Returns: what was deleted.
    func revoke(
        _ candidates: [Identifier], of institutions: Set<Institution.ID>
    ) throws(DatabaseError) -> AccessToken? {
        for id in candidates {
            guard let (token, _) = try token(id), institutions.contains(token.institution) else {
                continue
            }
            try deleteToken(issuedAt: id.issuedAt)
            return token
        }
        return nil
    }

    func revoke(_ consent: ConsentRevocation, now: Milliseconds) throws(DatabaseError) {
        pending.revoke(consent: consent.consentID)
        try consents.revokeAll(of: consent, now: now)
    }

    /// What a command has revoked: until that moment, and no younger ones.
    func takeOver(_ consent: ConsentRevocation, until: Milliseconds) throws(DatabaseError) {
        pending.revoke(consent: consent.consentID)
        try consents.revoke(consent, until: until)
    }

    /// The same for what commands have revoked while no server ran.
    func adopt(_ rows: [RevokedConsent], now: Milliseconds) throws(DatabaseError) {
        try consents.adopt(rows, now: now)
    }

    /// With the moment until which its consent is revoked. `tokenDigest` is the token's then.
    private func token(
        _ id: Identifier
    ) throws(DatabaseError) -> (AccessToken, consentRevokedUntil: Milliseconds?)? {
        defer { selectToken.reset() }
        tokenDigest.set(id)
        try selectToken.bind(1, id.issuedAt)
        guard try selectToken.step() else { return nil }
        return (try TokenRow.token(id, selectToken), selectToken.optionalInteger(8))
    }

    /// `tokenDigest` is the token's.
    private func deleteToken(issuedAt: Milliseconds) throws(DatabaseError) {
        pending.remove(issuedAt: issuedAt)
        try deleteToken.bind(1, issuedAt)
        try deleteToken.run()
    }

    /// Removes rows that nobody can ask for any more, whatever lifetimes they were given.
    ///
    /// - Returns: whether more are likely to be waiting.
    func removeExpired(now: Milliseconds) throws(DatabaseError) -> Bool {
        pending.expire(at: now)
        var isMore = false
        for rows in expiring {
            if try rows.remove(now: now) { isMore = true }
        }
        if try consents.removeOutlived(now: now) { isMore = true }
        return isMore
    }

    /// Gives some of the file's free pages back to the file system, where there are many.
    func giveBackSpace() throws(DatabaseError) { try space.giveBack() }

    /// A part of the file cannot be read, so nothing is removed or moved there for a while.
    func isCleaningPaused(at now: Milliseconds) -> Bool {
        consents.rests(at: now) || space.hasMetDamage || expiring.contains { $0.rests(at: now) }
    }
}
