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
    private static let isAlive =
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

    static func remove(_ node: Node, _ session: BlockingSession) throws(SessionError) {
        try session.run("DELETE FROM nodes WHERE id = $1", .bytes(node.id))
    }

    private static func fingerprints(_ bytes: [UInt8]) -> [KeyFingerprint] {
        stride(from: 0, to: bytes.count, by: 32).map {
            KeyFingerprint(bytes: Array(bytes[$0...].prefix(32)))
        }
    }
}
