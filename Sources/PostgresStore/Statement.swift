// What the database is asked, once for a whole batch: each statement takes arrays with one element for
// each of those who wait. docs/decisions/postgres.md says why, and what it costs.

/// A statement as it is prepared on each connection.
struct Statement: Sendable {
    let name: String
    let sql: String
    let types: [ParameterType]

    /// All that writing connections need.
    static let writing =
        [
            process, node, insertCodes, spend, question, give, undo, revokeTokens, revokeConsents,
            insertCCGTokens, expiryLock, oldest, forgetConsents,
        ] + ExpiringTable.allCases.map(\.statement)
    static let reading = [process, tokens, ccgTokens]

    /// Which process of the server answers.
    static let process = Statement(name: "process", sql: "SELECT pg_backend_pid()", types: [])

    /// The row has no name, so it is nobody's that servers look for.
    ///
    /// A change that every commit before it is on disk with, on the standby too: a read would return at
    /// once where the wait for the standby was cancelled.
    static let node = Statement(
        name: "node",
        sql: """
            INSERT INTO nodes (id, seen_at)
            VALUES ($1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
            ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at
            """, types: [.bytes])

    /// A repetition finds its own row, and leaves it.
    static let insertCodes = Statement(
        name: "insert_codes",
        sql: """
            INSERT INTO codes (issued_at, digest, institution, provider, redirect_uri, scope,
                consent, account, state, expires_at)
            SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bigint[],
                $5::bigint[], $6::smallint[], $7::bytea[], $8::bytea[], $9::bytea[], $10::bigint[])
            ON CONFLICT DO NOTHING
            """,
        types: [
            .numbers, .manyBytes, .numbers, .numbers, .numbers, .smallNumbers, .manyBytes,
            .manyBytes, .manyBytes, .numbers,
        ])

    static let insertCCGTokens = Statement(
        name: "insert_ccg_tokens",
        sql: """
            INSERT INTO ccg_tokens (issued_at, digest, institution, provider, expires_at)
            SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bigint[],
                $5::bigint[])
            ON CONFLICT DO NOTHING
            """, types: [.numbers, .manyBytes, .numbers, .numbers, .numbers])

    /// Spends what the verdict would admit, and nothing else, and stores the tokens. Of all attempts on
    /// a code the one that changes its row has won it. Whether any consent is revoked is asked once.
    static let spend = Statement(
        name: "spend",
        sql: """
            WITH a AS (
                SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bigint[],
                    $5::bigint[], $6::bigint[], $7::bigint[], $8::bytea[], $9::bigint[],
                    $11::bigint[], $12::smallint[], $13::bytea[])
                    WITH ORDINALITY
                    AS a(ci, cd, inst, prov, uri, now, ti, td, te, attempt, serv, holder, n)),
            spent AS (
                UPDATE codes c SET token_issued_at = a.ti, token_digest = a.td,
                    attempt = a.attempt FROM a
                WHERE c.issued_at = a.ci AND c.digest = a.cd AND c.token_digest IS NULL
                    AND c.expires_at > a.now AND c.institution = a.inst AND c.provider = a.prov
                    AND c.redirect_uri = a.uri AND a.serv & (1 << c.scope) <> 0
                    AND ((SELECT NOT EXISTS (SELECT FROM revoked_consents)) OR NOT EXISTS (
                        SELECT FROM revoked_consents r WHERE r.consent = c.consent
                            AND r.institution IN (0, c.institution)
                            AND c.issued_at <= r.revoked_until))
                RETURNING a.n, a.ti, a.td, a.te, a.holder, c.issued_at, c.institution, c.provider, c.scope,
                    c.consent, c.account, c.state),
            made AS (
                INSERT INTO tokens (issued_at, digest, institution, provider, scope, consent,
                    account, expires_at, code_issued_at, holder)
                SELECT ti, td, institution, provider, scope, consent, account, te, issued_at, holder
                FROM spent)
            SELECT n, state, CASE WHEN $10 THEN consent END, CASE WHEN $10 THEN account END
            FROM spent
            """,
        types: [
            .numbers, .manyBytes, .numbers, .numbers, .numbers, .numbers, .numbers, .manyBytes,
            .numbers, .boolean, .numbers, .smallNumbers, .manyBytes,
        ])

    /// How the codes stand that were not spent. In the same step the token goes of a used code that its
    /// institution presents again (RFC 6749 §4.1.2).
    static let question = Statement(
        name: "question",
        sql: """
            WITH a AS (
                SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bytea[])
                    WITH ORDINALITY AS a(ci, cd, inst, td, n)),
            r AS MATERIALIZED (
                SELECT a.n, a.inst, a.td, c.* FROM a
                JOIN codes c ON c.issued_at = a.ci AND c.digest = a.cd),
            gone AS (
                DELETE FROM tokens t USING r
                WHERE r.token_digest <> r.td AND r.institution = r.inst
                    AND t.issued_at = r.token_issued_at AND t.digest = r.token_digest)
            SELECT r.n, r.institution, r.provider, r.redirect_uri, r.scope, r.consent, r.account,
                r.state, r.expires_at, r.token_issued_at, r.token_digest,
                (SELECT max(v.revoked_until) FROM revoked_consents v
                    WHERE v.consent = r.consent AND v.institution IN (0, r.institution)),
                r.attempt, t.issued_at, t.expires_at
            FROM r LEFT JOIN tokens t
                ON t.issued_at = r.token_issued_at AND t.digest = r.token_digest
            """, types: [.numbers, .manyBytes, .numbers, .manyBytes])

    /// A token is to be given to an attempt that repeats its exchange: the attempt that has made it may
    /// have been answered 503, and would undo it. Says whose token still stands.
    static let give = Statement(
        name: "give",
        sql: """
            UPDATE codes c SET attempt = NULL
            FROM unnest($1::bigint[], $2::bytea[], $3::bytea[]) WITH ORDINALITY AS a(ci, cd, td, n)
            WHERE c.issued_at = a.ci AND c.digest = a.cd AND c.token_digest = a.td
            RETURNING a.n
            """, types: [.numbers, .manyBytes, .manyBytes])

    /// Makes codes good again that were spent for tokens that nobody has been given.
    static let undo = Statement(
        name: "undo",
        sql: """
            WITH a AS (
                SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bytea[],
                    $5::bigint[]) AS a(ci, cd, ti, td, attempt)),
            back AS (
                UPDATE codes c SET token_issued_at = NULL, token_digest = NULL, attempt = NULL FROM a
                WHERE c.issued_at = a.ci AND c.digest = a.cd AND c.token_digest = a.td
                    AND c.attempt IS NOT DISTINCT FROM a.attempt
                RETURNING a.ti, a.td)
            DELETE FROM tokens t USING back b WHERE t.issued_at = b.ti AND t.digest = b.td
            """, types: [.numbers, .manyBytes, .numbers, .manyBytes, .numbers])
}
