// The tables of codes and tokens. Text is `bytea`: a NUL byte of one client must not fail the batch of all.

/// What each instance of the server reads and writes. Times are milliseconds since 1970.
enum TokenTables {
    /// The names of all, in the order in which a copy fills them.
    static let names = ["codes", "tokens", "ccg_tokens", "revoked_consents"]

    /// Version 1. Never changed once released; later versions add.
    static let sql = """
        CREATE TABLE codes (
            issued_at bigint NOT NULL,
            digest bytea NOT NULL,
            institution bigint NOT NULL,
            provider bigint NOT NULL,
            redirect_uri bigint NOT NULL,
            scope smallint NOT NULL,
            consent bytea NOT NULL,
            account bytea NOT NULL,
            state bytea,
            expires_at bigint NOT NULL,
            token_issued_at bigint,
            token_digest bytea,
            PRIMARY KEY (issued_at, digest)
        ) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);
        CREATE TABLE tokens (
            issued_at bigint NOT NULL,
            digest bytea NOT NULL,
            institution bigint NOT NULL,
            provider bigint NOT NULL,
            scope smallint NOT NULL,
            consent bytea NOT NULL,
            account bytea NOT NULL,
            expires_at bigint,
            code_issued_at bigint,
            PRIMARY KEY (issued_at, digest)
        );
        CREATE TABLE ccg_tokens (
            issued_at bigint NOT NULL,
            digest bytea NOT NULL,
            institution bigint NOT NULL,
            provider bigint NOT NULL,
            expires_at bigint NOT NULL,
            PRIMARY KEY (issued_at, digest)
        );
        CREATE TABLE revoked_consents (
            consent bytea NOT NULL,
            institution bigint NOT NULL,
            revoked_until bigint NOT NULL,
            PRIMARY KEY (consent, institution)
        );
        CREATE INDEX revoked_consents_by_moment ON revoked_consents (revoked_until);
        """

    /// Which attempt has spent a code under an idempotency key; NULL: it came without one, or the token
    /// has been given to another attempt since, so this one must not undo it.
    static let attempts = "ALTER TABLE codes ADD COLUMN attempt bigint;"

    /// Version 3: the thumbprint of whose certificate a token is bound to. Those of before, and those that a
    /// server of version 2 makes, are nobody's.
    static let holders = "ALTER TABLE tokens ADD COLUMN holder bytea;"
}
