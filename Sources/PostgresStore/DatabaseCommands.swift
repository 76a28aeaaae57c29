// What commands ask of a database besides its registry: when things were issued, and about its keys.

import Tokens

/// Opens a connection for each question. Blocks, and gives up after some seconds.
public struct DatabaseCommands: Sendable {
    private let settings: ConnectionSettings
    /// To count millions of tokens takes its time.
    static let countMilliseconds = 120_000

    public init(_ settings: ConnectionSettings) { self.settings = settings }

    private func session() throws -> BlockingSession {
        let session = try Connector(
            settings, timeoutMilliseconds: PostgresRegistry.timeoutMilliseconds
        ).connect()
        try SchemaCheck.check(session, settings.place)
        return session
    }

    func asking<Answer>(
        _ body: (BlockingSession) throws -> Answer
    ) throws(StoreFailure) -> Answer {
        try StoreFailure.explaining(settings.place) { try body(try session()) }
    }

    /// The mode that it was first used in; nil: nobody has used it.
    public func mode() throws(StoreFailure) -> IssuerSettings.Mode? {
        try asking { try PostgresRegistry.mode($0) }
    }

    /// When what it has was issued; nil where no server has used it yet.
    public func issueTimes() throws(StoreFailure) -> (oldest: Milliseconds?, newest: Milliseconds?)?
    {
        try asking { session in
            let times = try IssueTimes.read(session)
            // A server writes down its key before it seals with it.
            if times.newest == nil, try DatabaseKeys.history(session).records.isEmpty { return nil }
            return times
        }
    }

    /// What it knows of its keys, as it stands at one moment.
    ///
    /// - Parameter records: those whose use is counted, which takes seconds for millions of tokens.
    public func keys(
        of records: (KeyHistory) -> [KeyRecord]
    ) throws(StoreFailure) -> StoreKeys {
        try asking { session in
            session.timeoutMilliseconds = DatabaseCommands.countMilliseconds
            try closeKeys(session)
            return try session.transaction(.reading) {
                try DatabaseKeys.read(session, of: records)
            }
        }
    }

    /// Servers that turned to a new key one after the other have left the old one open: it ends where no
    /// server that runs seals with it. Where none runs, nothing is known.
    private func closeKeys(_ session: BlockingSession) throws {
        try session.transaction(.writing) {
            try session.script("SELECT pg_advisory_xact_lock(\(DatabaseKeys.lock))")
            let sealing = Set(try Nodes.alive(session).compactMap(\.keys.first))
            let known = try DatabaseKeys.history(session)
            let now = try session.run("SELECT \(Nodes.now)").first?.number(0) ?? 0
            let newest = try IssueTimes.read(session).newest ?? 0
            var history = known
            history.close(except: sealing, lastIssuedAt: max(newest, now))
            if history != known { try DatabaseKeys.write(history, session) }
        }
    }

    /// Voids what a key has sealed: its absence is no fault any more.
    ///
    /// - Throws: while a server uses the database.
    public func giveUpKey(_ key: KeyFingerprint) throws(StoreFailure) {
        try asking { session in
            try session.transaction(.writing) {
                try session.script("SELECT pg_advisory_xact_lock(\(DatabaseKeys.lock))")
                let nodes = try Nodes.alive(session)
                guard nodes.isEmpty else {
                    throw StoreFailure(
                        "servers are running on the database \(settings.place): "
                            + nodes.map(\.name).joined(separator: ", ") + "; stop them first")
                }
                var history = try DatabaseKeys.history(session)
                history.giveUp(key)
                try DatabaseKeys.write(history, session)
            }
        }
    }

    /// Runs `body` while no server begins.
    public func whileKeysAreSettled<Answer>(_ body: () throws -> Answer) throws -> Answer {
        let session = try StoreFailure.explaining(settings.place) {
            let session = try self.session()
            try session.script("SELECT pg_advisory_lock(\(DatabaseKeys.startLock))")
            return session
        }
        defer { session.close() }
        return try body()
    }

    /// How far the change to another sealing key has come.
    public func rotation(_ keyring: Keyring) throws(StoreFailure) -> KeyRotation {
        try asking { session in
            KeyRotation.step(
                keyring, try DatabaseKeys.history(session), try Nodes.alive(session))
        }
    }
}
