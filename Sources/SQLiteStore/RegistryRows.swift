// The registry as rows and back. A change writes the rows in which two contents differ.

import Tokens

enum RegistryRows {
    static let tables = """
        CREATE TABLE meta (
            name TEXT NOT NULL PRIMARY KEY,
            value INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE institutions (
            id INTEGER PRIMARY KEY,
            reference TEXT NOT NULL UNIQUE,
            disabled INTEGER NOT NULL,
            revoked_until INTEGER
        ) STRICT;
        \(ProviderRows.tables)
        CREATE TABLE clients (
            id TEXT NOT NULL PRIMARY KEY,
            secret BLOB NOT NULL,
            old_secret BLOB,
            old_secret_until INTEGER
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE client_institutions (
            client TEXT NOT NULL REFERENCES clients,
            institution INTEGER NOT NULL REFERENCES institutions,
            PRIMARY KEY (client, institution)
        ) STRICT, WITHOUT ROWID;
        \(ConsentInbox.table)
        """

    /// To version 4: which certificate a client must show.
    static let certificates = """
        CREATE TABLE client_certificates (
            client TEXT NOT NULL PRIMARY KEY,
            rule TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        """

    // MARK: Numbers of the file

    private static func number(
        _ name: String, _ database: Database
    ) throws(DatabaseError) -> Int64? {
        let select = try database.prepare("SELECT value FROM meta WHERE name = ?")
        try select.bind(1, name)
        defer { select.reset() }
        return try select.step() ? select.integer(0) : nil
    }

    /// For `mark`, which is asked for often.
    static func prepareMark(_ database: Database) throws(DatabaseError) -> Statement {
        try database.prepare(
            """
            SELECT (SELECT value FROM meta WHERE name = 'id'),
                (SELECT value FROM meta WHERE name = 'version'),
                (SELECT value FROM meta WHERE name = 'next')
            """)
    }

    static func mark(_ select: Statement) throws(DatabaseError) -> RegistryMark {
        defer { select.reset() }
        guard try select.step() else { throw .corrupt("no answer where one was asked for") }
        return RegistryMark(
            id: select.optionalInteger(0), version: select.optionalInteger(1) ?? 0,
            nextNumber: select.optionalInteger(2) ?? 1)
    }

    static func mark(_ database: Database) throws(DatabaseError) -> RegistryMark {
        try mark(try prepareMark(database))
    }

    static func write(id: Int64, _ database: Database) throws(DatabaseError) {
        try write("id", id, database)
    }

    private static func write(
        _ name: String, _ value: Int64, _ database: Database
    ) throws(DatabaseError) {
        try run(database, "INSERT OR REPLACE INTO meta VALUES (?, ?)", .text(name), .number(value))
    }

    /// 1 is the sandbox, 2 is production.
    static func write(
        _ mode: IssuerSettings.Mode, _ database: Database
    ) throws(DatabaseError) {
        try write("mode", mode == .sandbox ? 1 : 2, database)
    }

    static func mode(_ database: Database) throws(DatabaseError) -> IssuerSettings.Mode {
        switch try number("mode", database) {
        case 1: .sandbox
        case 2: .production
        default:
            throw .corrupt("a mode that no version has written")
        }
    }

    // MARK: Reading

    static func read(
        _ database: Database, _ mode: IssuerSettings.Mode
    ) throws(DatabaseError) -> RegistryContent {
        var content = RegistryContent(mode: mode)
        content.version = try number("version", database) ?? 0
        content.nextNumber = UInt32(truncatingIfNeeded: try number("next", database) ?? 1)
        try each(database, "SELECT id, reference, disabled, revoked_until FROM institutions") {
            content.institutions[$0.text(1)] = InstitutionRecord(
                id: $0.institution(0), reference: $0.text(1),
                isDisabled: $0.integer(2) != 0, revokedUntil: $0.optionalInteger(3))
        }
        try ProviderRows.read(database, into: &content)
        try readClients(database, &content)
        try RemovedRows.read(database, into: &content)
        return content
    }

    private static func readClients(
        _ database: Database, _ content: inout RegistryContent
    ) throws(DatabaseError) {
        var rights: [String: Set<Institution.ID>] = [:]
        try each(database, "SELECT client, institution FROM client_institutions") {
            rights[$0.text(0), default: []].insert($0.institution(1))
        }
        var rules: [String: CertificateRule] = [:]
        var unreadable: String?
        try each(database, "SELECT client, rule FROM client_certificates") {
            rules[$0.text(0)] = CertificateRule(text: $0.text(1))
            if rules[$0.text(0)] == nil { unreadable = $0.text(0) }
        }
        // Without it the client would need its secret alone.
        if unreadable != nil { throw .corrupt("a certificate rule that no version has written") }
        try each(database, "SELECT id, secret, old_secret, old_secret_until FROM clients") {
            let old = $0.optionalInteger(3).map { [row = $0] until in
                ClientRecord.OldSecret(digest: SecretDigest(bytes: row.blob(2)), until: until)
            }
            content.clients[$0.text(0)] = ClientRecord(
                id: $0.text(0), secret: SecretDigest(bytes: $0.blob(1)), oldSecret: old,
                institutions: rights[$0.text(0)] ?? [], certificate: rules[$0.text(0)])
        }
    }

    private static func each(
        _ database: Database, _ sql: String, _ read: (Statement) -> Void
    ) throws(DatabaseError) {
        let statement = try database.prepare(sql)
        defer { statement.reset() }
        while try statement.step() { read(statement) }
    }

    // MARK: Writing

    /// Writes the rows in which `content` differs from `before`, which is what the file has.
    static func write(
        _ content: RegistryContent, over before: RegistryContent, _ database: Database
    ) throws(DatabaseError) {
        try write("version", content.version, database)
        try write("next", Int64(content.nextNumber), database)
        for (old, _) in difference(before.institutions, content.institutions) {
            if let old { try delete("institutions", Int64(old.id.number), database) }
        }
        for (_, new) in difference(before.institutions, content.institutions) {
            guard let new else { continue }
            try run(
                database, "INSERT INTO institutions VALUES (?, ?, ?, ?)",
                .number(Int64(new.id.number)), .text(new.reference),
                .number(new.isDisabled ? 1 : 0), .number(new.revokedUntil))
        }
        try ProviderRows.write(
            ProviderDifference(from: before.providers, to: content.providers), database)
        try writeClients(difference(before.clients, content.clients), database)
        try RemovedRows.write(content, over: before, database)
        try ConsentInbox.write(content.revokedConsents, version: content.version, database)
    }

    /// What to delete and what to insert for each record that is not the same.
    private static func difference<Record: Equatable>(
        _ before: [String: Record], _ after: [String: Record]
    ) -> [(old: Record?, new: Record?)] {
        var pairs: [(Record?, Record?)] = []
        for (key, new) in after where before[key] != new { pairs.append((before[key], new)) }
        for (key, old) in before where after[key] == nil { pairs.append((old, nil)) }
        return pairs
    }

    private static func writeClients(
        _ pairs: [(old: ClientRecord?, new: ClientRecord?)], _ database: Database
    ) throws(DatabaseError) {
        for case (let old?, _) in pairs {
            try run(database, "DELETE FROM client_institutions WHERE client = ?", .text(old.id))
            try run(database, "DELETE FROM client_certificates WHERE client = ?", .text(old.id))
            try run(database, "DELETE FROM clients WHERE id = ?", .text(old.id))
        }
        for case (_, let new?) in pairs {
            try run(
                database, "INSERT INTO clients VALUES (?, ?, ?, ?)", .text(new.id),
                .bytes(new.secret.bytes), new.oldSecret.map { .bytes($0.digest.bytes) } ?? .null,
                .number(new.oldSecret?.until))
            if let rule = new.certificate {
                try run(
                    database, "INSERT INTO client_certificates VALUES (?, ?)", .text(new.id),
                    .text(rule.text))
            }
            for institution in new.institutions {
                try run(
                    database, "INSERT INTO client_institutions VALUES (?, ?)", .text(new.id),
                    .number(Int64(institution.number)))
            }
        }
    }

    private static func delete(
        _ table: String, _ id: Int64, _ database: Database
    ) throws(DatabaseError) {
        try run(database, "DELETE FROM \(table) WHERE id = ?", .number(id))
    }

    private enum Value {
        case text(String)
        case number(Int64?)
        case bytes([UInt8])
        static let null = Value.number(nil)
    }

    private static func run(
        _ database: Database, _ sql: String, _ values: Value...
    ) throws(DatabaseError) {
        let statement = try database.prepare(sql)
        for (index, value) in values.enumerated() {
            let index = Int32(index + 1)
            switch value {
            case .text(let text): try statement.bind(index, text)
            case .number(let number): try statement.bind(index, number)
            case .bytes(let bytes): try statement.bind(index, bytes)
            }
        }
        try statement.run()
    }
}
