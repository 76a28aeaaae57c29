// Makes the tables, and brings those of older versions up to date. For their owner; servers never do it.

import Bytes
import Tokens

public enum Migrations {
    /// Each brings the tables from the version of its index to the next. Never changed once released, and
    /// each only adds: servers of the version before must be able to go on.
    static let all = [
        RegistryTables.sql + TokenTables.sql, TokenTables.attempts + RegistryTables.authorisations,
        TokenTables.holders + RegistryTables.certificates + RegistryTables.serversTime,
        ReportTables.sql,
    ]
    static let newestVersion = Int64(all.count)
    /// A program that knows this version can use the tables of the newest one.
    static let minimumReader: Int64 = 1

    /// Two at a time would make the same tables.
    private static let lock = 8240
    /// New columns and tables take no time; an index on millions of rows does.
    private static let timeoutMilliseconds = 600_000

    /// What was done.
    public struct Outcome: Equatable, Sendable {
        /// 0: there were no tables.
        public let before: Int64
        public let after: Int64
    }

    /// Does all of it in one transaction, or nothing. Blocks.
    ///
    /// - Parameter servingRole: may use the tables from then on, and not change them; nil: nobody new.
    public static func run(
        _ settings: ConnectionSettings, servingRole: String?
    ) throws(StoreFailure) -> Outcome {
        let place = settings.place
        return try StoreFailure.explaining(place) {
            let session = try Connector(settings, timeoutMilliseconds: 5000).connect()
            session.timeoutMilliseconds = timeoutMilliseconds
            try session.script(
                "BEGIN; SET LOCAL lock_timeout = 10000; SELECT pg_advisory_xact_lock(\(lock))")
            let before = try version(of: try SchemaCheck.find(session), place)
            try migrate(session, from: before, place)
            if let servingRole { try grant(session, servingRole, place) }
            try session.script("COMMIT")
            return Outcome(before: before, after: newestVersion)
        }
    }

    /// - Returns: 0 where there are no tables.
    private static func version(
        of found: SchemaCheck.Found, _ place: String
    ) throws(StoreFailure) -> Int64 {
        switch found {
        case .nothing: return 0
        case .foreign(let table): throw SchemaCheck.foreign(table, place)
        case .emptied(let what): throw SchemaCheck.emptied(what, place)
        case .ours(let version, _):
            guard version <= newestVersion else {
                throw StoreFailure(
                    "the tables in the database \(place) have version \(version), which is newer than "
                        + "this program's \(newestVersion): there is nothing to do", .configuration)
            }
            return version
        }
    }

    private static func migrate(
        _ session: BlockingSession, from version: Int64, _ place: String
    ) throws {
        guard version < newestVersion else { return }
        do throws(SessionError) {
            for migration in all[Int(version)...] { try session.script(migration) }
        } catch {
            guard error.state == SessionError.forbidden else { throw error }
            throw StoreFailure(
                "this role may not make or change tables in the database \(place): \(error); run the "
                    + "command as the owner of the database", .rights)
        }
        let meta = Meta(session)
        if version == 0 {
            try meta.set(.program, SchemaCheck.program)
            try meta.set(.registryVersion, 0)
            try meta.set(.registryStamp, [])
            try meta.set(.nextNumber, 1)
        }
        try meta.set(.schemaVersion, newestVersion)
        try meta.set(.minimumReader, minimumReader)
    }

    /// What a server and the commands of its machine need.
    private static func grant(
        _ session: BlockingSession, _ role: String, _ place: String
    ) throws {
        let name = "\"\(role.replacing(every: "\"", by: "\"\""))\""
        let tables = (RegistryTables.names + TokenTables.names + ReportTables.names)
            .joined(separator: ", ")
        let schema = try session.run("SELECT quote_ident(current_schema())").first?.text(0)
        do throws(SessionError) {
            try session.script("GRANT USAGE ON SCHEMA \(schema ?? "public") TO \(name)")
            try session.script("GRANT SELECT, INSERT, UPDATE, DELETE ON \(tables) TO \(name)")
        } catch {
            guard error.state == "42704" else { throw error }
            throw StoreFailure(
                "there is no role \(role) in the database \(place): make it with CREATE ROLE … LOGIN, "
                    + "and run the command again", .configuration)
        }
    }
}
