// The names of institutions and providers that were removed, as rows and back.

import Tokens

enum RemovedRows {
    private enum Kind: Int64 {
        case institution = 1
        case provider = 2
    }

    static let table = """
        CREATE TABLE removed (
            kind INTEGER NOT NULL,
            reference TEXT NOT NULL,
            PRIMARY KEY (kind, reference)
        ) STRICT, WITHOUT ROWID;
        """

    static func read(
        _ database: Database, into content: inout RegistryContent
    ) throws(DatabaseError) {
        content.removedInstitutions = try read(.institution, database)
        content.removedProviders = try read(.provider, database)
    }

    private static func read(
        _ kind: Kind, _ database: Database
    ) throws(DatabaseError) -> Set<String> {
        let select = try database.prepare("SELECT reference FROM removed WHERE kind = ?")
        defer { select.reset() }
        try select.bind(1, kind.rawValue)
        var references: Set<String> = []
        while try select.step() { references.insert(select.text(0)) }
        return references
    }

    /// Writes the rows in which `content` differs from `before`.
    static func write(
        _ content: RegistryContent, over before: RegistryContent, _ database: Database
    ) throws(DatabaseError) {
        try write(.institution, content.removedInstitutions, before.removedInstitutions, database)
        try write(.provider, content.removedProviders, before.removedProviders, database)
    }

    private static func write(
        _ kind: Kind, _ references: Set<String>, _ before: Set<String>, _ database: Database
    ) throws(DatabaseError) {
        try each(
            "INSERT INTO removed VALUES (?, ?)", kind, references.subtracting(before), database)
        try each(
            "DELETE FROM removed WHERE kind = ? AND reference = ?", kind,
            before.subtracting(references), database)
    }

    private static func each(
        _ sql: String, _ kind: Kind, _ references: Set<String>, _ database: Database
    ) throws(DatabaseError) {
        guard !references.isEmpty else { return }
        let statement = try database.prepare(sql)
        for reference in references {
            try statement.bind(1, kind.rawValue)
            try statement.bind(2, reference)
            try statement.run()
        }
    }
}
