// The providers of the registry as rows and back. There may be 100,000 of them in one change, so each
// statement is prepared once.

import Tokens

enum ProviderRows {
    static let tables = """
        CREATE TABLE providers (
            id INTEGER PRIMARY KEY,
            reference TEXT NOT NULL UNIQUE,
            disabled INTEGER NOT NULL,
            revoked_until INTEGER
        ) STRICT;
        CREATE TABLE redirect_uris (
            id INTEGER PRIMARY KEY,
            provider INTEGER NOT NULL REFERENCES providers,
            uri TEXT NOT NULL,
            UNIQUE (provider, uri)
        ) STRICT;
        """

    /// To version 3: what the authority says. Those of before are authorised for all three services (7).
    static let migration = """
        ALTER TABLE providers ADD COLUMN withdrawn INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE providers ADD COLUMN services INTEGER NOT NULL DEFAULT 7;
        ALTER TABLE providers ADD COLUMN name TEXT;
        """

    static func read(
        _ database: Database, into content: inout RegistryContent
    ) throws(DatabaseError) {
        var uris: [Provider.ID: [Provider.RedirectURI]] = [:]
        let selectURIs = try database.prepare(
            "SELECT id, provider, uri FROM redirect_uris ORDER BY id")
        defer { selectURIs.reset() }
        while try selectURIs.step() {
            let uri = Provider.RedirectURI(
                id: selectURIs.redirectURI(0), text: selectURIs.text(2))
            uris[selectURIs.provider(1), default: []].append(uri)
        }
        let select = try database.prepare(
            """
            SELECT id, reference, disabled, revoked_until, withdrawn, services, name FROM providers
            """)
        defer { select.reset() }
        while try select.step() {
            let (id, reference) = (select.provider(0), select.text(1))
            let services = Services(rawValue: UInt8(truncatingIfNeeded: select.integer(5)))
            content.providers[reference] = ProviderRecord(
                id: id, reference: reference, name: select.optionalText(6),
                redirectURIs: uris[id] ?? [],
                authorisation: Authorisation(
                    status: select.integer(4) == 0 ? .authorised : .withdrawn, services: services),
                isDisabled: select.integer(2) != 0, revokedUntil: select.optionalInteger(3))
        }
    }

    /// Rows of a large change, about half a megabyte: then what has left the cache goes to the disk. A
    /// running server commits to the same disk, and waits for what was written before.
    private static let pace = 8000

    /// - Parameter rows: how many a record writes.
    private static func each(
        _ records: [ProviderRecord], _ database: Database, rows: (ProviderRecord) -> Int,
        _ write: (ProviderRecord) throws(DatabaseError) -> Void
    ) throws(DatabaseError) {
        var count = 0
        for record in records {
            try write(record)
            count += rows(record)
            guard count >= pace else { continue }
            try database.sync()
            count = 0
        }
    }

    static func write(
        _ difference: ProviderDifference, _ database: Database
    ) throws(DatabaseError) {
        try delete(difference.deleted, database)
        try update(difference.updated, database)
        try insert(difference.inserted, database)
    }

    private static func rows(_ record: ProviderRecord) -> Int { 1 + record.redirectURIs.count }

    private static func update(
        _ records: [ProviderRecord], _ database: Database
    ) throws(DatabaseError) {
        guard !records.isEmpty else { return }
        let update = try database.prepare(
            """
            UPDATE providers SET disabled = ?, revoked_until = ?, withdrawn = ?, services = ?, name = ?
            WHERE id = ?
            """)
        try each(records, database, rows: { _ in 1 }) { (record) throws(DatabaseError) in
            try bindTerms(of: record, to: update, from: 1)
            try update.bind(6, Int64(record.id.number))
            try update.run()
        }
    }

    private static func insert(
        _ records: [ProviderRecord], _ database: Database
    ) throws(DatabaseError) {
        guard !records.isEmpty else { return }
        let insert = try database.prepare("INSERT INTO providers VALUES (?, ?, ?, ?, ?, ?, ?)")
        let insertURI = try database.prepare("INSERT INTO redirect_uris VALUES (?, ?, ?)")
        try each(records, database, rows: rows) { (record) throws(DatabaseError) in
            let id = Int64(record.id.number)
            try insert.bind(1, id)
            try insert.bind(2, record.reference)
            try bindTerms(of: record, to: insert, from: 3)
            try insert.run()
            for uri in record.redirectURIs {
                try insertURI.bind(1, Int64(uri.id.number))
                try insertURI.bind(2, id)
                try insertURI.bind(3, uri.text)
                try insertURI.run()
            }
        }
    }

    /// Five columns, in the order of the table.
    private static func bindTerms(
        of record: ProviderRecord, to statement: Statement, from first: Int32
    ) throws(DatabaseError) {
        try statement.bind(first, record.isDisabled ? 1 : 0)
        try statement.bind(first + 1, record.revokedUntil)
        try statement.bind(first + 2, record.authorisation.status == .withdrawn ? 1 : 0)
        try statement.bind(first + 3, Int64(record.authorisation.services.rawValue))
        try statement.bind(first + 4, record.name)
    }

    private static func delete(
        _ records: [ProviderRecord], _ database: Database
    ) throws(DatabaseError) {
        guard !records.isEmpty else { return }
        let deleteURIs = try database.prepare("DELETE FROM redirect_uris WHERE provider = ?")
        let delete = try database.prepare("DELETE FROM providers WHERE id = ?")
        try each(records, database, rows: rows) { (record) throws(DatabaseError) in
            for statement in [deleteURIs, delete] {
                try statement.bind(1, Int64(record.id.number))
                try statement.run()
            }
        }
    }
}
