// Whether the tables of a database are ours, and of a version that this program can use.

import Tokens

enum SchemaCheck {
    /// In `meta`, as the value of `program`.
    static let program = Array("obie-tokens".utf8)

    /// What is there.
    enum Found: Equatable {
        case nothing
        /// Tables of our names, that somebody else has made.
        case foreign(String)
        /// Our tables, and nobody knows their version. What is missing, in words.
        case emptied(String)
        case ours(version: Int64, minimumReader: Int64)
    }

    static func find(_ session: BlockingSession) throws(SessionError) -> Found {
        let present = try session.run("SELECT to_regclass('meta') IS NOT NULL").first
        guard present?.truth(0) == true else {
            let others = try tables(session)
            guard let first = others.first else { return .nothing }
            return others.count == names.count
                ? .emptied("the table meta is gone") : .foreign(first)
        }
        let meta = Meta(session)
        do throws(SessionError) {
            guard let program = try meta.bytes(.program) else {
                let others = try tables(session)
                return others.count == names.count
                    ? .emptied(Meta.lost(.program).description) : .foreign("meta")
            }
            guard program == self.program else { return .foreign("meta") }
            guard let version = try meta.number(.schemaVersion) else {
                return .emptied(Meta.lost(.schemaVersion).description)
            }
            return .ours(
                version: version, minimumReader: try meta.number(.minimumReader) ?? version)
        } catch {
            // A table of another shape: undefined column, or a comparison of other types.
            guard error.state?.hasPrefix("42") == true, error.state != SessionError.forbidden else {
                throw error
            }
            return .foreign("meta")
        }
    }

    /// All but `meta` that every version has.
    private static let names = (TokenTables.names + RegistryTables.names).filter {
        !["meta", RegistryTables.certificateTable].contains($0)
    }

    /// Those of our names, without `meta`, that are there.
    private static func tables(_ session: BlockingSession) throws(SessionError) -> [String] {
        var found: [String] = []
        for name in names {
            let row = try session.run("SELECT to_regclass('\(name)') IS NOT NULL").first
            if row?.truth(0) == true { found.append(name) }
        }
        return found
    }

    /// Makes sure that this program can use the tables.
    ///
    /// - Throws: `StoreFailure` that says what to do.
    static func check(_ session: BlockingSession, _ place: String) throws(StoreFailure) {
        let found = try StoreFailure.explaining(place) { try find(session) }
        if let refusal = refusal(of: found, place) { throw refusal }
    }

    /// Why this program cannot use what is there; nil where it can. A newer version is fine where it has
    /// only added something: so a new server and an old one serve side by side.
    ///
    /// - Parameter known: the version that this program has been made for.
    static func refusal(
        of found: Found, _ place: String, known: Int64 = Migrations.newestVersion
    ) -> StoreFailure? {
        switch found {
        case .nothing: missing(place)
        case .foreign(let table): foreign(table, place)
        case .emptied(let what): emptied(what, place)
        case .ours(let version, _) where version < known:
            StoreFailure(
                "the tables in the database \(place) have version \(version), and this program needs "
                    + "\(known): let their owner run `obie-tokens store migrate` with this program "
                    + "first; servers of the version before go on meanwhile", .configuration)
        case .ours(let version, let reader) where reader > known:
            StoreFailure(
                "the tables in the database \(place) have version \(version), which this program does "
                    + "not know: use the newer program that made them", .configuration)
        case .ours: nil
        }
    }

    static func missing(_ place: String) -> StoreFailure {
        StoreFailure(
            "the database \(place) has no tables of ours: let their owner run `obie-tokens store "
                + "migrate --store postgres://OWNER@… --serving-role ROLE` once", .configuration)
    }

    /// Somebody has emptied `meta`, or has put back a part of a copy only.
    static func emptied(_ what: String, _ place: String) -> StoreFailure {
        StoreFailure(
            "\(what) in the database \(place), so nobody knows how the other tables are to be read: it "
                + "was emptied, or put back in part. Bring the database back from its backup, or write "
                + "meta anew as docs/runbook.md says (\"The table meta\")", .configuration)
    }

    static func foreign(_ table: String, _ place: String) -> StoreFailure {
        StoreFailure(
            "the table \(table) in the database \(place) is not ours: make a database of its own "
                + "for the store", .configuration)
    }
}
