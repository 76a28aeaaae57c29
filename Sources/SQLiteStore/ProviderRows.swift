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

    /// Changes in place where the URIs stay: a list that withdraws 100,000 providers then writes their rows
    /// alone. Of the others it deletes what was, then inserts what is.
    static func write(
        _ pairs: [(old: ProviderRecord?, new: ProviderRecord?)], _ database: Database
    ) throws(DatabaseError) {
        var changed: [ProviderRecord] = []
        var deleted: [ProviderRecord] = []
        var inserted: [ProviderRecord] = []
        for (old, new) in pairs {
            if let old, let new, old.id == new.id, old.redirectURIs == new.redirectURIs {
                changed.append(new)
                continue
            }
            if let old { deleted.append(old) }
            if let new { inserted.append(new) }
        }
        try delete(deleted, database)
        // In the order of the numbers, so that rows come to stand one behind the other.
        try update(changed.sorted { $0.id.number < $1.id.number }, database)
        try insert(inserted.sorted { $0.id.number < $1.id.number }, database)
    }

    private static func update(
        _ records: [ProviderRecord], _ database: Database
    ) throws(DatabaseError) {
        guard !records.isEmpty else { return }
        let update = try database.prepare(
            """
            UPDATE providers SET disabled = ?, revoked_until = ?, withdrawn = ?, services = ?, name = ?
            WHERE id = ?
            """)
        for record in records {
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
        for record in records {
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
        for record in records {
            for statement in [deleteURIs, delete] {
                try statement.bind(1, Int64(record.id.number))
                try statement.run()
            }
        }
    }
}
