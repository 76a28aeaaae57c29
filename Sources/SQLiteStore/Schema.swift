// The tables, as numbered migrations, and the settings of each connection.

import Tokens

enum Schema {
    /// "obie" in ASCII.
    static let mark = FileMark(
        applicationID: 0x6F62_6965, newestVersion: migrations.count, advice: "choose another path")

    /// Each brings a file from the version of its index to the next. Never changed once released.
    private static let migrations = [
        """
        CREATE TABLE meta (
            name TEXT NOT NULL PRIMARY KEY,
            value BLOB NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE institutions (
            id INTEGER PRIMARY KEY,
            reference TEXT NOT NULL UNIQUE
        ) STRICT;
        CREATE TABLE clients (
            id TEXT NOT NULL PRIMARY KEY,
            secret BLOB NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE client_institutions (
            client TEXT NOT NULL REFERENCES clients,
            institution INTEGER NOT NULL REFERENCES institutions,
            PRIMARY KEY (client, institution)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE providers (
            id INTEGER PRIMARY KEY,
            reference TEXT NOT NULL UNIQUE
        ) STRICT;
        CREATE TABLE redirect_uris (
            id INTEGER PRIMARY KEY,
            provider INTEGER NOT NULL REFERENCES providers,
            uri TEXT NOT NULL,
            UNIQUE (provider, uri)
        ) STRICT;
        CREATE TABLE codes (
            issued_at INTEGER NOT NULL,
            digest BLOB NOT NULL,
            institution INTEGER NOT NULL,
            provider INTEGER NOT NULL,
            redirect_uri INTEGER NOT NULL,
            scope INTEGER NOT NULL,
            consent TEXT NOT NULL,
            account TEXT NOT NULL,
            state TEXT,
            expires_at INTEGER NOT NULL,
            token_issued_at INTEGER,
            token_digest BLOB,
            PRIMARY KEY (issued_at, digest)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE ccg_tokens (
            issued_at INTEGER NOT NULL,
            digest BLOB NOT NULL,
            institution INTEGER NOT NULL,
            provider INTEGER NOT NULL,
            expires_at INTEGER NOT NULL,
            PRIMARY KEY (issued_at, digest)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE tokens (
            issued_at INTEGER NOT NULL,
            digest BLOB NOT NULL,
            institution INTEGER NOT NULL,
            provider INTEGER NOT NULL,
            scope INTEGER NOT NULL,
            consent TEXT NOT NULL,
            account TEXT NOT NULL,
            expires_at INTEGER,
            PRIMARY KEY (issued_at, digest)
        ) STRICT, WITHOUT ROWID;
        """,
        // The registry has a file of its own now. Nobody could fill these before.
        """
        DROP TABLE redirect_uris;
        DROP TABLE client_institutions;
        DROP TABLE clients;
        DROP TABLE institutions;
        DROP TABLE providers;
        """,
        // Tokens of before keep NULL.
        """
        ALTER TABLE tokens ADD COLUMN code_issued_at INTEGER;
        CREATE TABLE revoked_consents (
            consent TEXT NOT NULL,
            institution INTEGER NOT NULL,
            revoked_until INTEGER NOT NULL,
            PRIMARY KEY (consent, institution)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX revoked_consents_by_moment ON revoked_consents (revoked_until);
        """,
        // The thumbprint of whose certificate a token is bound to. Tokens of before are nobody's.
        "ALTER TABLE tokens ADD COLUMN holder BLOB;",
        // What reports are made of. Files of before have none.
        ReportRows.tables,
    ]

    /// The one connection that writes and checkpoints. FULL: a commit that was answered survives a
    /// power cut; with NORMAL a spent code could be good again. And what is deleted is overwritten, also
    /// on pages that are free afterwards.
    static func prepareWriter(_ database: Database) throws(DatabaseError) {
        try database.execute(
            """
            PRAGMA journal_mode = WAL;
            PRAGMA synchronous = FULL;
            PRAGMA secure_delete = ON;
            PRAGMA journal_size_limit = 67108864;
            PRAGMA cache_size = -16000;
            PRAGMA mmap_size = 0;
            """)
        guard try database.integer("PRAGMA synchronous") == 2 else {
            throw DatabaseError(code: 1, description: "synchronous=FULL was not accepted")
        }
    }

    /// A connection that only reads, and never checkpoints.
    static func prepareReader(_ database: Database) throws(DatabaseError) {
        try database.execute("PRAGMA query_only = ON; PRAGMA mmap_size = 0;")
    }

    /// Brings the file to the newest version, each step in a transaction of its own.
    ///
    /// - Returns: which version it had.
    /// - Throws: `StoreFailure` for a file of a newer version or of another program.
    @discardableResult
    static func migrate(_ database: Database, path: String) throws -> Int {
        let version = try mark.version(of: database, path: path)
        for (index, migration) in migrations.enumerated() where index >= version {
            try database.execute(
                """
                BEGIN IMMEDIATE;
                \(migration)
                \(mark.statements(version: index + 1))
                COMMIT;
                """)
        }
        return version
    }
}

extension Schema {
    /// Makes an empty store of the newest version, with an id, in the place of nothing.
    ///
    /// - Parameter registry: the one that it is made for, where there is one.
    static func makeNew(_ path: String, for registry: RegistryMark? = nil) throws {
        let database = try Database(path: path, .readWrite)
        // Only before the first table: its free pages can be given back while it is used.
        try database.execute("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA synchronous = EXTRA")
        try migrate(database, path: path)
        if let registry { try StoreMemory.join(registry, database) }
        _ = try StoreMemory.makeID(database)
    }

    /// Makes sure that the file is used in the mode it was made in.
    ///
    /// - Throws: `StoreFailure` where it was made in the other mode.
    static func checkMode(
        _ database: Database, _ mode: IssuerSettings.Mode, path: String
    ) throws {
        let select = try database.prepare("SELECT value FROM meta WHERE name = 'mode'")
        let known = try select.step() ? String(decoding: select.blob(0), as: UTF8.self) : nil
        select.reset()
        if let known, known != mode.rawValue {
            throw StoreFailure.otherMode(store: path, madeIn: known, wanted: mode)
        }
    }

    /// Remembers the mode of a new file.
    static func write(
        _ mode: IssuerSettings.Mode, _ database: Database
    ) throws(DatabaseError) {
        let insert = try database.prepare("INSERT OR IGNORE INTO meta VALUES ('mode', ?)")
        try insert.bind(1, Array(mode.rawValue.utf8))
        try insert.run()
    }
}
