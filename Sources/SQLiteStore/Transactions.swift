// What one job does to the tables, inside a transaction that somebody else begins and commits.

import Crypto
import Tokens

/// The prepared statements of the writing connection, and the jobs made of them.
final class Transactions {
    /// Rows that leave in one job of expiry: about a millisecond.
    static let expiredRowsMax: Int64 = 500

    private let database: Database
    private let beginTransaction: Statement
    private let commitTransaction: Statement
    private let insertCode: Statement
    private let selectCode: Statement
    private let spendCode: Statement
    private let insertToken: Statement
    private let deleteToken: Statement
    private let deleteExpiredCodes: Statement
    private let deleteExpiredTokens: Statement
    private let insertCCGToken: Statement
    private let deleteExpiredCCGTokens: Statement
    private let touch: Statement

    init(_ database: Database) throws(DatabaseError) {
        self.database = database
        beginTransaction = try database.prepare("BEGIN IMMEDIATE")
        commitTransaction = try database.prepare("COMMIT")
        insertCode = try database.prepare(
            "INSERT INTO codes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)")
        selectCode = try database.prepare(
            """
            SELECT institution, provider, redirect_uri, scope, consent, account, state, expires_at,
                token_issued_at, token_digest
            FROM codes WHERE issued_at = ? AND digest = ?
            """)
        spendCode = try database.prepare(
            """
            UPDATE codes SET token_issued_at = ?, token_digest = ?, consent = '', account = '',
                state = NULL
            WHERE issued_at = ? AND digest = ? AND token_digest IS NULL
            """)
        insertToken = try database.prepare("INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
        deleteToken = try database.prepare(
            "DELETE FROM tokens WHERE issued_at = ? AND digest = ?")
        insertCCGToken = try database.prepare("INSERT INTO ccg_tokens VALUES (?, ?, ?, ?, ?)")
        deleteExpiredCodes = try Transactions.prepareDelete(database, "codes")
        deleteExpiredTokens = try Transactions.prepareDelete(database, "tokens")
        deleteExpiredCCGTokens = try Transactions.prepareDelete(database, "ccg_tokens")
        touch = try database.prepare("INSERT OR REPLACE INTO meta VALUES ('touched', x'00')")
    }

    /// The oldest expired rows of a table: a range at the left edge of its key.
    private static func prepareDelete(
        _ database: Database, _ table: String
    ) throws(DatabaseError) -> Statement {
        try database.prepare(
            """
            DELETE FROM \(table) WHERE (issued_at, digest) IN (
                SELECT issued_at, digest FROM \(table)
                WHERE issued_at < ? AND expires_at <= ? ORDER BY issued_at, digest LIMIT ?)
            """)
    }

    /// Only digests are stored: the key file may be stolen together with the database.
    static func digest(_ id: Identifier) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(SHA256.byteCount)
        bytes.append(contentsOf: SHA256.hash(data: id.bytes))
        return bytes
    }

    func begin() throws(DatabaseError) { try beginTransaction.run() }
    func commit() throws(DatabaseError) { try commitTransaction.run() }

    /// Undoes the transaction, unless SQLite has done so already.
    func rollback() {
        guard !database.isAutocommit else { return }
        do throws(DatabaseError) {
            try database.execute("ROLLBACK")
        } catch {
            // The file is in trouble, and so the next transaction says why.
        }
    }

    /// A change that means nothing, to find out whether the file takes changes.
    func probe() throws(DatabaseError) { try touch.run() }

    func insert(_ code: AuthorizationCode) throws(DatabaseError) {
        try insertCode.bind(1, code.id.issuedAt)
        try insertCode.bind(2, Transactions.digest(code.id))
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
        try insertCCGToken.bind(2, Transactions.digest(token.id))
        try insertCCGToken.bind(3, Int64(token.institution.number))
        try insertCCGToken.bind(4, Int64(token.provider.number))
        try insertCCGToken.bind(5, token.expiresAt)
        try insertCCGToken.run()
    }

    /// Spends a code and stores its token. Won by the row that changes, not by the look before.
    /// What the token takes over leaves the code's row, which so stays as long as it was: rows that
    /// grow would split pages.
    func redeem(_ attempt: Redemption) throws(DatabaseError) -> RedemptionOutcome {
        let digest = Transactions.digest(attempt.code)
        guard let (code, token) = try find(attempt.code, digest) else { return .refused(.unknown) }
        if let token {
            guard code.institution == attempt.institution else {
                return .refused(.otherInstitution)
            }
            try delete(token.issuedAt, token.digest)
            return .refused(.used, revoked: attempt.isAudited ? .digest(token.digest) : nil)
        }
        if let refusal = code.refusal(of: attempt) { return .refused(refusal) }
        let tokenDigest = Transactions.digest(attempt.token)
        try spendCode.bind(1, attempt.token.issuedAt)
        try spendCode.bind(2, tokenDigest)
        try spendCode.bind(3, attempt.code.issuedAt)
        try spendCode.bind(4, digest)
        try spendCode.run()
        guard database.changes == 1 else { return .refused(.used) }
        try insert(code.token(for: attempt), tokenDigest)
        return .redeemed(state: code.state, consent: attempt.isAudited ? code.consent : nil)
    }

    private func find(
        _ id: Identifier, _ digest: [UInt8]
    ) throws(DatabaseError) -> (
        code: AuthorizationCode, token: (issuedAt: Milliseconds, digest: [UInt8])?
    )? {
        defer { selectCode.reset() }
        try selectCode.bind(1, id.issuedAt)
        try selectCode.bind(2, digest)
        guard try selectCode.step() else { return nil }
        let code = AuthorizationCode(
            id: id, institution: Institution.ID(UInt32(truncatingIfNeeded: selectCode.integer(0))),
            provider: Provider.ID(UInt32(truncatingIfNeeded: selectCode.integer(1))),
            redirectURI: Provider.RedirectURI.ID(
                UInt32(truncatingIfNeeded: selectCode.integer(2))),
            scope: try Transactions.scope(selectCode.integer(3)),
            consent: Consent(id: selectCode.text(4), accountID: selectCode.text(5)),
            state: selectCode.isNull(6) ? nil : selectCode.text(6),
            expiresAt: selectCode.integer(7))
        let token = selectCode.isNull(9) ? nil : (selectCode.integer(8), selectCode.blob(9))
        return (code, token)
    }

    static func scope(_ number: Int64) throws(DatabaseError) -> Scope {
        guard let scope = Scope(rawValue: UInt8(truncatingIfNeeded: number)) else {
            throw DatabaseError(code: 11, description: "a scope that no version has written")
        }
        return scope
    }

    private func insert(_ token: AccessToken, _ digest: [UInt8]) throws(DatabaseError) {
        try insertToken.bind(1, token.id.issuedAt)
        try insertToken.bind(2, digest)
        try insertToken.bind(3, Int64(token.institution.number))
        try insertToken.bind(4, Int64(token.provider.number))
        try insertToken.bind(5, Int64(token.scope.rawValue))
        try insertToken.bind(6, token.consent.id)
        try insertToken.bind(7, token.consent.accountID)
        try insertToken.bind(8, token.expiresAt)
        try insertToken.run()
    }

    func revoke(_ id: Identifier) throws(DatabaseError) {
        try delete(id.issuedAt, Transactions.digest(id))
    }

    /// Deletes a token, which need not be there.
    private func delete(_ issuedAt: Milliseconds, _ digest: [UInt8]) throws(DatabaseError) {
        try deleteToken.bind(1, issuedAt)
        try deleteToken.bind(2, digest)
        try deleteToken.run()
    }

    /// Removes rows from the left edge; returns whether more may be waiting.
    ///
    /// - Parameters:
    ///   - codesBefore: codes issued earlier are out of the replay memory too.
    ///   - tokensBefore: nil where tokens never expire.
    func removeExpired(
        now: Milliseconds, codesBefore: Milliseconds, tokensBefore: Milliseconds?,
        ccgTokensBefore: Milliseconds
    ) throws(DatabaseError) -> Bool {
        let isMoreCCG = try removeExpired(
            deleteExpiredCCGTokens, before: ccgTokensBefore, now: now)
        var isMore = try removeExpired(
            deleteExpiredCodes, before: codesBefore, now: now - ReplayMemory.milliseconds)
        if let tokensBefore {
            let isMoreTokens = try removeExpired(
                deleteExpiredTokens, before: tokensBefore, now: now)
            isMore = isMore || isMoreTokens
        }
        return isMore || isMoreCCG
    }

    private func removeExpired(
        _ statement: Statement, before: Milliseconds, now: Milliseconds
    ) throws(DatabaseError) -> Bool {
        try statement.bind(1, before)
        try statement.bind(2, now)
        try statement.bind(3, Transactions.expiredRowsMax)
        try statement.run()
        return database.changes == Int(Transactions.expiredRowsMax)
    }
}
