// What keeps the work of a lost connection from happening later: a lock of its session.

import Crypto

/// A lost connection's server process may still be at work: it reads what it had been sent, or waits for
/// a row or for the standby, and commits. So each writing connection holds a lock as long as its process
/// lives, and the next one takes its place only with that lock, after it has ended the process.
struct Fence {
    private let node: Int32
    private let slot: Int32

    /// - Parameters:
    ///   - nodeID: unique among all servers of a database.
    ///   - slot: of the writing connections of a server.
    init(nodeID: [UInt8], slot: Int) {
        let number = SHA256.hash(nodeID.span).prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        node = Int32(number & 0x7FFF_FFFF)
        self.slot = Int32(slot)
    }

    /// Says true in its last row where the lock was had.
    ///
    /// - Parameter before: the process of the connection before. It is ended only where it has the lock,
    ///   for its number may be another's by now, on another machine.
    func statements(_ before: Int32?) -> String {
        let end = before.map { process in
            """
            SELECT pg_terminate_backend(pid, 1000) FROM pg_locks
            WHERE locktype = 'advisory' AND granted AND pid = \(process)
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND classid = \(node) AND objid = \(slot) AND objsubid = 2;
            """
        }
        return (end ?? "") + "SELECT pg_try_advisory_lock(\(node), \(slot))"
    }
}
