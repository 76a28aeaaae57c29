// The tables of the registry, of the servers, and of what is known of the database itself. Text is `bytea`,
// as in the tables of tokens.

/// What commands write, and what servers tell one another.
enum RegistryTables {
    /// The names of all.
    static let names = [
        "meta", "nodes", "institutions", "providers", "redirect_uris", "clients",
        "client_institutions", "removed", certificateTable,
    ]

    /// Version 3 has it; a database of before is ours without it.
    static let certificateTable = "client_certificates"

    /// Version 3: which certificate a client must show. A table of its own, which a command of version 2 leaves
    /// as it is when it writes a client anew; so what it has removed may have a rule left, which counts again
    /// once somebody registers that client again. Whoever may use the table of clients may use this one: an
    /// upgrade need not name the servers' role again.
    static let certificates = """
        CREATE TABLE client_certificates (
            client bytea PRIMARY KEY,
            rule bytea NOT NULL
        );
        DO $$ DECLARE one record; BEGIN
            FOR one IN SELECT grantee, privilege_type FROM information_schema.role_table_grants
                WHERE table_schema = current_schema() AND table_name = 'clients'
                    AND grantee NOT IN (current_user, 'PUBLIC')
                    AND privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
            LOOP
                EXECUTE format('GRANT %s ON client_certificates TO %I', one.privilege_type, one.grantee);
            END LOOP;
        END $$;
        """

    /// Version 3: by how many microseconds the time of a server is ahead of the database's clock. Who begins
    /// takes it over from those that run.
    static let serversTime = "ALTER TABLE nodes ADD COLUMN time_ahead bigint;"

    /// Version 2: what a provider's authority says. Those of before are authorised for all three services
    /// (7), and so is whoever a command of version 1 writes.
    static let authorisations = """
        ALTER TABLE providers ADD COLUMN withdrawn boolean NOT NULL DEFAULT false;
        ALTER TABLE providers ADD COLUMN services bigint NOT NULL DEFAULT 7;
        ALTER TABLE providers ADD COLUMN name bytea;
        """

    /// Version 1. Never changed once released; later versions add. What refers to a row is checked at the
    /// end of a change, since a row that changes is written anew.
    static let sql = """
        CREATE TABLE meta (
            name text PRIMARY KEY,
            value bytea NOT NULL
        );
        CREATE TABLE nodes (
            id bytea PRIMARY KEY,
            name bytea,
            seen_at bigint NOT NULL,
            registry_version bigint,
            keys bytea,
            version bytea
        ) WITH (fillfactor = 50);
        CREATE TABLE institutions (
            id bigint PRIMARY KEY,
            reference bytea NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED,
            disabled boolean NOT NULL,
            revoked_until bigint
        );
        CREATE TABLE providers (
            id bigint PRIMARY KEY,
            reference bytea NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED,
            disabled boolean NOT NULL,
            revoked_until bigint
        );
        CREATE TABLE redirect_uris (
            id bigint PRIMARY KEY,
            provider bigint NOT NULL REFERENCES providers DEFERRABLE INITIALLY DEFERRED,
            uri bytea NOT NULL
        );
        CREATE INDEX redirect_uris_by_provider ON redirect_uris (provider);
        CREATE TABLE clients (
            id bytea PRIMARY KEY,
            secret bytea NOT NULL,
            old_secret bytea,
            old_secret_until bigint
        );
        CREATE TABLE client_institutions (
            client bytea NOT NULL REFERENCES clients DEFERRABLE INITIALLY DEFERRED,
            institution bigint NOT NULL REFERENCES institutions DEFERRABLE INITIALLY DEFERRED,
            PRIMARY KEY (client, institution)
        );
        CREATE INDEX client_institutions_by_institution ON client_institutions (institution);
        CREATE TABLE removed (
            kind bigint NOT NULL,
            reference bytea NOT NULL,
            PRIMARY KEY (kind, reference)
        );
        """
}
