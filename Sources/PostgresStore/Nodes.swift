// The servers of one database, as they tell one another: each has a row in `nodes`, and writes into it that
// it is there.

import Tokens

/// One server, for its life.
public struct Node: Sendable {
    /// Random: a server that starts anew is another node.
    public let id: [UInt8]
    /// For people, such as `db1.example:8080`.
    public let name: String
    /// Of the program.
    public let version: String

    public init(id: [UInt8], name: String, version: String) {
        self.id = id
        self.name = name
        self.version = version
    }
}

enum Nodes {
    /// A node that has not been seen for so long does not run; its lease has run out before.
    static let goneAfterMilliseconds = 5000
    /// A row that is older is of no use to anybody.
    private static let forgottenAfterMilliseconds = 86_400_000

    /// The database's clock, in milliseconds since 1970. No server's clock comes into it.
    static let now = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"

    /// Only servers have names: a store keeps a row of its own that has none.
    static let isAlive =
        "name IS NOT NULL AND seen_at > \(now) - \(goneAfterMilliseconds)"

    /// A node that is alive.
    struct Alive {
        let id: [UInt8]
        let name: String
        /// What it has taken over; nil: nothing yet.
        let registryVersion: Int64?
        /// The first seals, all open.
        let keys: [KeyFingerprint]
    }

    /// Each server holds a lock, shared, over the connection by which it writes that it is there. One half
    /// of its number is that of the table, the other one is made of the server's id.
    private static let presenceLock = "('nodes'::regclass::oid::bigint & 2147483647)"

    private static func presence(_ id: [UInt8]) -> Int64 {
        id.prefix(4).reduce(0) { $0 << 8 | Int64($1) } & 0x7FFF_FFFF
    }

    /// The servers as a command finds them.
    struct Census {
        let alive: [Alive]
        /// Connected, and not heard of for so long that they are counted out.
        let silent: [SilentServer]
        /// Connected, without a row: somebody has removed it.
        let rowless: Int
    }

    static func census(_ session: BlockingSession) throws(SessionError) -> Census {
        let locks = try session.run(
            """
            SELECT DISTINCT objid::bigint FROM pg_locks
            WHERE locktype = 'advisory' AND granted AND classid = \(presenceLock)::oid
                AND objsubid = 2
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """)
        var connected = Set(locks.compactMap { $0.number(0) })
        let alive = try alive(session)
        for node in alive { connected.remove(presence(node.id)) }
        var silent: [SilentServer] = []
        if !connected.isEmpty {
            let rows = try session.run(
                "SELECT id, name, seen_at FROM nodes WHERE name IS NOT NULL AND NOT (\(isAlive)) "
                    + "ORDER BY name")
            for row in rows where connected.remove(presence(row.bytes(0) ?? [])) != nil {
                silent.append(
                    SilentServer(name: row.text(1) ?? "", lastSeenAt: row.number(2) ?? 0))
            }
        }
        return Census(alive: alive, silent: silent, rowless: connected.count)
    }

    static func alive(_ session: BlockingSession) throws(SessionError) -> [Alive] {
        try session.run(
            "SELECT id, name, registry_version, keys FROM nodes WHERE \(isAlive) ORDER BY name"
        ).map { row in
            Alive(
                id: row.bytes(0) ?? [], name: row.text(1) ?? "", registryVersion: row.number(2),
                keys: fingerprints(row.bytes(3) ?? []))
        }
    }

    /// Writes the row of a node that begins, or that was not heard of for a while.
    static func add(
        _ node: Node, _ keys: [KeyFingerprint], registryVersion: Int64?, _ session: BlockingSession
    ) throws(SessionError) {
        try session.run(
            """
            INSERT INTO nodes (id, name, seen_at, registry_version, keys, version)
            VALUES ($1, $2, \(now), $3, $4, $5)
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, seen_at = excluded.seen_at,
                registry_version = excluded.registry_version, keys = excluded.keys,
                version = excluded.version
            """, .bytes(node.id), .text(node.name), .number(registryVersion),
            .bytes(keys.flatMap(\.bytes)), .text(node.version))
        try session.run(
            "DELETE FROM nodes WHERE seen_at < \(now) - \(forgottenAfterMilliseconds)")
    }

    /// As long as the session lasts, commands see that the server is connected.
    static func show(_ node: Node, _ session: BlockingSession) throws(SessionError) {
        try session.script(
            "SELECT pg_advisory_lock_shared(\(presenceLock)::int, \(presence(node.id)))")
    }

    static func remove(_ node: Node, _ session: BlockingSession) throws(SessionError) {
        // The other way round, a command would wait for a server without a row.
        try session.script("SELECT pg_advisory_unlock_all()")
        try session.run("DELETE FROM nodes WHERE id = $1", .bytes(node.id))
    }

    private static func fingerprints(_ bytes: [UInt8]) -> [KeyFingerprint] {
        stride(from: 0, to: bytes.count, by: 32).map {
            KeyFingerprint(bytes: Array(bytes[$0...].prefix(32)))
        }
    }
}
