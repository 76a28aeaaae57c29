// The registry in the database, as commands have it. They work from any machine.

import System
import Tokens

/// An open registry. One thread at a time; blocks, and gives up after some seconds.
public final class PostgresRegistry: RegistryStore {
    private let connector: Connector
    private var session: BlockingSession
    private var place: String { connector.place }
    public let mode: IssuerSettings.Mode
    /// What the database has warned of at the last change: such as that no standby has it.
    private var warning: String?
    /// Nobody had used the database before.
    public let isNew: Bool
    /// The database has the mode.
    private let isSettled: Bool
    public private(set) var silentServers: [SilentServer] = []

    /// How long each statement may take.
    static let timeoutMilliseconds = 5000
    /// How often a command looks whether all servers have taken over a change.
    private static let pauseMilliseconds: UInt32 = 20
    /// How long a command asks what has become of its change: a fail-over takes some seconds.
    private static let settleMilliseconds = 15_000
    private static let retryMilliseconds: UInt32 = 200
    /// Rows that one call of `forgetConsents` removes.
    private static let forgottenMax = 1000

    /// - Parameter wanted: the mode that it must have; nil takes any. Where nobody has used the database
    ///   before, nil makes it one for production with the first change, so that a change that is refused
    ///   settles nothing.
    /// - Throws: `StoreFailure` that says what to do.
    public init(
        _ settings: ConnectionSettings, mode wanted: IssuerSettings.Mode?
    ) throws(StoreFailure) {
        let connector = Connector(
            settings, timeoutMilliseconds: PostgresRegistry.timeoutMilliseconds)
        self.connector = connector
        let place = settings.place
        (session, mode, isNew, isSettled) = try StoreFailure.explaining(place) {
            let session = try connector.connect()
            try SchemaCheck.check(session, place)
            if wanted == nil, try PostgresRegistry.mode(session) == nil {
                return (session, .production, true, false)
            }
            let (mode, isNew) = try RegistryMode.settle(session, wanted, place)
            return (session, mode, isNew, true)
        }
    }

    /// The mode that a database was first used in; nil: nobody has used it.
    static func mode(_ session: BlockingSession) throws(SessionError) -> IssuerSettings.Mode? {
        try Meta(session).bytes(.mode).flatMap {
            IssuerSettings.Mode(rawValue: String(decoding: $0, as: UTF8.self))
        }
    }

    public func load() throws -> RegistryContent {
        try StoreFailure.explaining(place) {
            try session.transaction(.reading) { try RegistryReading.read(session, mode).content }
        }
    }

    public func version() throws -> Int64 {
        try StoreFailure.explaining(place) { try Meta(session).required(.registryVersion) }
    }

    public func update<Answer>(
        _ change: (inout RegistryContent) throws -> Answer
    ) throws -> (answer: Answer, version: Int64) {
        var stamp = [UInt8](repeating: 0, count: 16)
        SystemRandom.fill(&stamp)
        do {
            _ = session.takeWarnings()
            var expected: Int64 = 0
            let (answer, version) = try session.transaction(.writing) {
                try apply(change, stamp) { expected = $0 }
            } uncertain: { error in
                try settle(error, version: expected, stamp)
            }
            warning = session.takeWarnings().first
            return (answer, version)
        } catch let error as SessionError {
            throw StoreFailure(error, place)
        }
    }

    /// - Parameter willCommit: gets the version that the change would have.
    private func apply<Answer>(
        _ change: (inout RegistryContent) throws -> Answer, _ stamp: [UInt8],
        willCommit: (Int64) -> Void
    ) throws -> (Answer, Int64) {
        // Others wait here, and read what this one has written.
        _ = try Meta(session).required(.registryVersion, locks: true)
        let before = try RegistryReading.read(session, mode).content
        var content = before
        let answer = try content.apply(change)
        if content.version != before.version {
            if !isSettled { try RegistryMode.take(mode, session, place) }
            try RegistryWriting(session).write(content, over: before, stamp: stamp)
        }
        willCommit(content.version)
        return (answer, content.version)
    }

    /// The connection was lost under the commit: asks the database what has become of it, for some seconds.
    ///
    /// - Throws: where the change has not happened, or nobody knows.
    private func settle(_ error: SessionError, version: Int64, _ stamp: [UInt8]) throws {
        let deadline = Deadline(milliseconds: PostgresRegistry.settleMilliseconds)
        let found: (version: Int64, stamp: [UInt8])
        while true {
            do throws(SessionError) {
                found = try readMark()
                break
            } catch {
                guard deadline.milliseconds > 0 else {
                    throw PostgresRegistry.doubt("\(error)", place)
                }
                Machine.sleep(milliseconds: PostgresRegistry.retryMilliseconds)
            }
        }
        if found.version == version, found.stamp == stamp { return }
        // Others may have changed it since.
        if found.version > version { throw PostgresRegistry.doubt("\(error)", place) }
        throw error
    }

    /// Waits until the lost transaction has ended.
    private func readMark() throws(SessionError) -> (version: Int64, stamp: [UInt8]) {
        session = try connector.connect()
        let meta = Meta(session)
        try session.script("BEGIN")
        let version = try meta.required(.registryVersion, locks: true)
        let stamp = try meta.bytes(.registryStamp) ?? []
        try session.script("COMMIT")
        return (version, stamp)
    }

    private static func doubt(_ reason: String, _ place: String) -> StoreFailure {
        StoreFailure(
            "the database \(place) was lost while the change was being written, and nobody knows "
                + "whether it has been: \(reason); look with `obie-tokens fi list` and `obie-tokens psp "
                + "list` before you repeat it", .uncertain)
    }

    /// - Precondition: never called: it is no server's.
    public func takenOver(_ version: Int64) throws {
        preconditionFailure("only a server takes over a registry")
    }

    public func forgetConsents(revokedBefore moment: Milliseconds) throws {
        _ = try StoreFailure.explaining(place) {
            try session.run(
                """
                DELETE FROM revoked_consents WHERE (consent, institution) IN (
                    SELECT consent, institution FROM revoked_consents
                    WHERE revoked_until < $1 ORDER BY revoked_until
                    LIMIT \(PostgresRegistry.forgottenMax))
                """, .number(moment))
        }
    }

    public func wait(forTakeover version: Int64, milliseconds: Int) throws -> RegistryTakeover {
        if let warning {
            throw StoreFailure(
                "it is on one machine only, and a fail-over may lose it, since the database \(place) warns: "
                    + warning)
        }
        let deadline = Deadline(milliseconds: milliseconds)
        return try StoreFailure.explaining(place) {
            while true {
                let isLast = deadline.milliseconds == 0
                let census = try Nodes.census(session)
                silentServers = census.silent
                let late = census.alive.filter { ($0.registryVersion ?? -1) < version }
                // One whose row was removed puts it back when it asks the next time.
                if late.isEmpty, census.rowless == 0 {
                    return census.alive.isEmpty ? .notRunning : .hasTakenOver
                }
                if isLast { return .isLate(on: late.map(\.name)) }
                Machine.sleep(milliseconds: PostgresRegistry.pauseMilliseconds)
            }
        }
    }
}
