// Consents that commands have revoked, in the registry's file: written by the command, read by the
// server, which takes them over into its store. Ordered by the version of the registry that has them.

import Tokens

/// A consent that a command has revoked.
struct RevokedConsent: Equatable, Sendable {
    let consent: ConsentRevocation
    let until: Milliseconds
    /// The registry's version that has it.
    let version: Int64
}

enum ConsentInbox {
    /// In the place of an institution: any.
    private static let anyInstitution: Int64 = 0
    /// Rows that one call of `forget` looks at.
    private static let forgottenMax: Int64 = 1000

    static let table = """
        CREATE TABLE revoked_consents (
            consent TEXT NOT NULL,
            institution INTEGER NOT NULL,
            revoked_until INTEGER NOT NULL,
            PRIMARY KEY (consent, institution)
        ) STRICT, WITHOUT ROWID;
        """

    /// Rows of before have version 0: a server takes them over at its start.
    static let migration = """
        ALTER TABLE revoked_consents ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
        CREATE INDEX revoked_consents_by_version ON revoked_consents (version);
        """

    /// A moment only rises.
    static func write(
        _ consents: [ConsentRevocation: Milliseconds], version: Int64, _ database: Database
    ) throws(DatabaseError) {
        let upsert = try database.prepare(
            """
            INSERT INTO revoked_consents VALUES (?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET version = excluded.version,
                revoked_until = max(revoked_until, excluded.revoked_until)
            """)
        for (consent, until) in consents {
            let number = consent.institution.map { Int64($0.number) }
            try upsert.bind(1, consent.consentID)
            try upsert.bind(2, number ?? anyInstitution)
            try upsert.bind(3, until)
            try upsert.bind(4, version)
            try upsert.run()
        }
    }

    /// Those that came after a version, in the order of coming.
    static func read(
        after version: Int64, _ database: Database
    ) throws(DatabaseError) -> [RevokedConsent] {
        let select = try database.prepare(
            """
            SELECT consent, institution, revoked_until, version FROM revoked_consents
            WHERE version > ? ORDER BY version
            """)
        defer { select.reset() }
        try select.bind(1, version)
        var consents: [RevokedConsent] = []
        while try select.step() {
            let institution =
                select.integer(1) == anyInstitution ? nil : select.institution(1)
            consents.append(
                RevokedConsent(
                    consent: ConsentRevocation(
                        consentID: select.text(0), institution: institution),
                    until: select.integer(2), version: select.integer(3)))
        }
        return consents
    }

    /// Removes some of those that were revoked until before a moment, the first to have come.
    static func forget(
        revokedBefore moment: Milliseconds, _ database: Database
    ) throws(DatabaseError) {
        let delete = try database.prepare(
            """
            DELETE FROM revoked_consents WHERE revoked_until < ? AND (consent, institution) IN (
                SELECT consent, institution FROM revoked_consents ORDER BY version LIMIT ?)
            """)
        try delete.bind(1, moment)
        try delete.bind(2, forgottenMax)
        try delete.run()
    }
}
