// The question that each server asks its database four times a second.

import System

/// What the database has said.
struct NodePoll {
    let registryVersion: Int64
    let registryStamp: [UInt8]
    /// Its clock, in microseconds since 1970.
    let time: Int64
    /// The row of this server is there.
    let isMember: Bool
    let isStandbyNamed: Bool
    let standbys: Int64
    /// By how much the time of the others that run is ahead of `time`, in microseconds; nil: nobody else does.
    let othersAhead: Int64?
    /// On this machine's clock since boot.
    let sent: Int64
    let received: Int64

    /// Writes that the server is there, too, and waits for the standby as every change does: so a server
    /// that is cut off together with a database which is none any more is told nothing.
    private static let sql = """
        WITH seen AS (
            UPDATE nodes SET seen_at = \(Nodes.now), registry_version = $2, time_ahead = $3 WHERE id = $1
            RETURNING 1)
        SELECT (SELECT value FROM meta WHERE name = \(Meta.Name.registryVersion.literal)),
            (SELECT value FROM meta WHERE name = \(Meta.Name.registryStamp.literal)),
            (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
            EXISTS (SELECT FROM seen),
            current_setting('synchronous_standby_names') <> '',
            (SELECT count(*) FROM pg_stat_replication),
            (SELECT max(time_ahead) FROM nodes WHERE \(Nodes.isAlive) AND id <> $1)
        """

    /// - Parameters:
    ///   - version: the registry's, which every request of this server sees; nil: none yet.
    ///   - timeAhead: of the database's clock, in microseconds; nil: nobody lives by the time yet.
    init(
        _ session: BlockingSession, _ node: Node, registryVersion version: Int64?,
        timeAhead: Int64?
    ) throws(SessionError) {
        _ = session.takeWarnings()
        sent = Clock.bootMicroseconds()
        let rows = try session.run(
            NodePoll.sql, .bytes(node.id), .number(version), .number(timeAhead))
        received = Clock.bootMicroseconds()
        guard let row = rows.first, let text = row.text(0), let number = Int64(text) else {
            throw Meta.lost(.registryVersion)
        }
        if let warning = session.takeWarnings().first {
            throw SessionError(description: "its answer is good on one machine only: \(warning)")
        }
        registryVersion = number
        registryStamp = row.bytes(1) ?? []
        time = row.number(2) ?? 0
        isMember = row.truth(3)
        isStandbyNamed = row.truth(4)
        standbys = row.number(5) ?? 0
        othersAhead = row.number(6)
    }
}
