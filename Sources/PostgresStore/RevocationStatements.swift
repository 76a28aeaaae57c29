// What the database is asked where something is revoked, looked up or forgotten.

extension Statement {
    /// Several candidates may belong to one attempt; each comes with the institutions that may.
    static let revokeTokens = Statement(
        name: "revoke_tokens",
        sql: """
            WITH a AS (
                SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::text[])
                    WITH ORDINALITY AS a(ti, td, institutions, n))
            DELETE FROM tokens t USING a
            WHERE t.issued_at = a.ti AND t.digest = a.td
                AND t.institution = ANY (a.institutions::bigint[])
            RETURNING a.n, t.institution, t.provider, t.scope, t.consent, t.account, t.expires_at,
                t.code_issued_at, t.holder
            """, types: [.numbers, .manyBytes, .texts])

    /// Whatever is stored by now is of before, though it says that it is younger. A moment only rises.
    static let revokeConsents = Statement(
        name: "revoke_consents",
        sql: """
            INSERT INTO revoked_consents (consent, institution, revoked_until)
            SELECT a.consent, a.institution, greatest(max(a.now),
                (SELECT max(issued_at) FROM codes), (SELECT max(issued_at) FROM tokens))
            FROM unnest($1::bytea[], $2::bigint[], $3::bigint[]) AS a(consent, institution, now)
            GROUP BY 1, 2 ORDER BY 1, 2
            ON CONFLICT (consent, institution) DO UPDATE
                SET revoked_until = excluded.revoked_until
                WHERE excluded.revoked_until > revoked_consents.revoked_until
            """, types: [.manyBytes, .numbers, .numbers])

    static let tokens = Statement(
        name: "tokens",
        sql: """
            SELECT a.n, t.institution, t.provider, t.scope, t.consent, t.account, t.expires_at,
                t.code_issued_at, t.holder,
                CASE WHEN (SELECT EXISTS (SELECT FROM revoked_consents)) THEN
                    (SELECT max(v.revoked_until) FROM revoked_consents v
                        WHERE v.consent = t.consent AND v.institution IN (0, t.institution)) END
            FROM unnest($1::bigint[], $2::bytea[]) WITH ORDINALITY AS a(ti, td, n)
            JOIN tokens t ON t.issued_at = a.ti AND t.digest = a.td
            """, types: [.numbers, .manyBytes])

    static let ccgTokens = Statement(
        name: "ccg_tokens",
        sql: """
            SELECT a.n, t.institution, t.provider, t.expires_at
            FROM unnest($1::bigint[], $2::bytea[]) WITH ORDINALITY AS a(ti, td, n)
            JOIN ccg_tokens t ON t.issued_at = a.ti AND t.digest = a.td
            """, types: [.numbers, .manyBytes])

    /// Of all servers one at a time removes what has expired. The number is only ours.
    static let expiryLock = Statement(
        name: "expiry_lock", sql: "SELECT pg_try_advisory_xact_lock(8241)", types: [])

    /// No code or token that is left was issued earlier. The moments are the edges behind which
    /// nothing is left but dead entries of the index.
    static let oldest = Statement(
        name: "oldest",
        sql: """
            SELECT least((SELECT min(issued_at) FROM codes WHERE issued_at >= $1),
                (SELECT min(issued_at) FROM tokens WHERE issued_at >= $2))
            """, types: [.number, .number])

    static let forgetConsents = Statement(
        name: "forget_consents",
        sql: """
            DELETE FROM revoked_consents WHERE ctid = ANY (ARRAY(
                SELECT v.ctid FROM revoked_consents v
                WHERE v.revoked_until < $1 AND (SELECT pg_try_advisory_xact_lock(8241))
                ORDER BY v.revoked_until LIMIT \(ExpiringTable.rowsMax)))
            """, types: [.number])
}

/// A table from which rows leave once they have expired.
enum ExpiringTable: String, CaseIterable {
    case codes
    case tokens
    case ccgTokens = "ccg_tokens"

    /// Rows that one look sees, and that it may remove: some milliseconds, during which one connection
    /// does nothing else.
    static let rowsMax = 1000

    /// Looks at the rows behind a place, removes those that have expired, and says where it ended.
    var statement: Statement {
        Statement(
            name: "expire_\(rawValue)",
            sql: """
                WITH seen AS MATERIALIZED (
                    SELECT c.ctid AS place, c.issued_at, c.digest,
                        coalesce(c.expires_at <= $3, false) AS has_expired
                    FROM \(rawValue) c
                    WHERE (c.issued_at, c.digest) > ($1, $2)
                        AND (SELECT pg_try_advisory_xact_lock(8241))
                    ORDER BY c.issued_at, c.digest LIMIT \(ExpiringTable.rowsMax)),
                gone AS (
                    DELETE FROM \(rawValue)
                    WHERE ctid = ANY (ARRAY(SELECT place FROM seen WHERE has_expired)))
                SELECT s.issued_at, s.digest, s.has_expired, (SELECT count(*) FROM seen),
                    (SELECT count(*) FROM seen WHERE has_expired)
                FROM seen s ORDER BY s.issued_at DESC, s.digest DESC LIMIT 1
                """, types: [.number, .bytes, .number])
    }
}
