// Clients, institutions and providers in the file, read as one snapshot.

import Tokens

extension Schema {
    /// The registry as it stands in the file, and what the sandbox adds where it is not there yet.
    ///
    /// - Throws: `SQLiteStoreFailure` where the file was made in the other mode.
    static func openRegistry(
        _ database: Database, _ mode: IssuerSettings.Mode, path: String
    ) throws -> Registry {
        let select = try database.prepare("SELECT value FROM meta WHERE name = 'mode'")
        let known = try select.step() ? String(decoding: select.blob(0), as: UTF8.self) : nil
        select.reset()
        if let known, known != mode.rawValue {
            throw SQLiteStoreFailure(
                "the store \(path) was made in \(known) mode and is refused in \(mode.rawValue) "
                    + "mode; choose another path with --store")
        }
        if known == nil {
            let insert = try database.prepare("INSERT INTO meta VALUES ('mode', ?)")
            try insert.bind(1, Array(mode.rawValue.utf8))
            try insert.run()
            if mode == .sandbox { try store(.sandbox, database) }
        }
        return try load(database, mode)
    }

    /// Writes a whole registry into empty tables, or nothing.
    private static func store(_ registry: Registry, _ database: Database) throws(DatabaseError) {
        try database.execute("BEGIN IMMEDIATE")
        for institution in registry.allInstitutions {
            let insert = try database.prepare("INSERT INTO institutions VALUES (?, ?)")
            try insert.bind(1, Int64(institution.id.number))
            try insert.bind(2, institution.reference)
            try insert.run()
        }
        for provider in registry.allProviders {
            let insert = try database.prepare("INSERT INTO providers VALUES (?, ?)")
            try insert.bind(1, Int64(provider.id.number))
            try insert.bind(2, provider.reference)
            try insert.run()
            for uri in provider.redirectURIs {
                let insert = try database.prepare("INSERT INTO redirect_uris VALUES (?, ?, ?)")
                try insert.bind(1, Int64(uri.id.number))
                try insert.bind(2, Int64(provider.id.number))
                try insert.bind(3, uri.text)
                try insert.run()
            }
        }
        for client in registry.allClients {
            let insert = try database.prepare("INSERT INTO clients VALUES (?, ?)")
            try insert.bind(1, client.id)
            try insert.bind(2, client.secret.bytes)
            try insert.run()
            for institution in client.institutions {
                let insert = try database.prepare("INSERT INTO client_institutions VALUES (?, ?)")
                try insert.bind(1, client.id)
                try insert.bind(2, Int64(institution.number))
                try insert.run()
            }
        }
        try database.execute("COMMIT")
    }

    private static func load(
        _ database: Database, _ mode: IssuerSettings.Mode
    ) throws(DatabaseError) -> Registry {
        let institutions = try rows(database, "SELECT id, reference FROM institutions") { row in
            Institution(id: Institution.ID(row.number(0)), reference: row.text(1))
        }
        let uris = try rows(database, "SELECT id, provider, uri FROM redirect_uris") { row in
            (
                row.number(1),
                Provider.RedirectURI(
                    id: Provider.RedirectURI.ID(row.number(0)), text: row.text(2))
            )
        }
        let providers = try rows(database, "SELECT id, reference FROM providers") { row in
            let id = row.number(0)
            return Provider(
                id: Provider.ID(id), reference: row.text(1),
                redirectURIs: uris.filter { $0.0 == id }.map { $0.1 })
        }
        let rights = try rows(
            database, "SELECT client, institution FROM client_institutions"
        ) { row in (row.text(0), Institution.ID(row.number(1))) }
        let clients = try rows(database, "SELECT id, secret FROM clients") { row in
            let id = row.text(0)
            return Client(
                id: id, secret: SecretDigest(bytes: row.blob(1)),
                institutions: Set(rights.filter { $0.0 == id }.map { $0.1 }))
        }
        return Registry(
            clients: clients, institutions: institutions, providers: providers,
            fixedCCGToken: mode == .sandbox ? Registry.sandbox.fixedCCGToken : nil)
    }

    private static func rows<Row>(
        _ database: Database, _ sql: String, _ read: (Statement) -> Row
    ) throws(DatabaseError) -> [Row] {
        let statement = try database.prepare(sql)
        defer { statement.reset() }
        var rows: [Row] = []
        while try statement.step() { rows.append(read(statement)) }
        return rows
    }
}

extension Statement {
    /// A short identifier.
    fileprivate func number(_ column: Int32) -> UInt32 {
        UInt32(truncatingIfNeeded: integer(column))
    }
}
