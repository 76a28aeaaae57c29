// A server joins the others: the tables are ours, the mode is the same, all open what any of them seals.

import Tokens

struct NodeMembership {
    let node: Node
    let keyring: Keyring
    let mode: IssuerSettings.Mode
    let place: String

    /// In one transaction; whoever else joins, or changes keys, waits.
    ///
    /// - Parameter registryVersion: what every request of this server sees; nil: none yet.
    /// - Returns: when the newest code or token was issued.
    /// - Throws: `StoreFailure` that says what to do where the server must not join.
    func join(
        _ session: BlockingSession, registryVersion: Int64?
    ) throws -> Milliseconds? {
        try SchemaCheck.check(session, place)
        _ = try RegistryMode.settle(session, mode, place)
        let newest = try session.transaction(.writing) {
            for lock in [DatabaseKeys.startLock, DatabaseKeys.lock] {
                try session.script("SELECT pg_advisory_xact_lock(\(lock))")
            }
            let others = try Nodes.alive(session).filter { $0.id != node.id }
            if let refusal = KeyAgreement.refusal(of: keyring, beside: others) { throw refusal }
            let keys = try DatabaseKeys.read(session) { $0.missing(from: keyring) }
            if let refusal = keys.refusal(of: keyring, store: place) { throw refusal }
            let newest = try IssueTimes.read(session).newest
            try begin(keys.history, session, newest, Set(others.compactMap(\.keys.first)))
            try Nodes.add(
                node, keyring.fingerprints, registryVersion: registryVersion, session)
            return newest
        }
        try Nodes.show(node, session)
        return newest
    }

    /// Remembers that this server begins to seal with its first key.
    private func begin(
        _ known: KeyHistory, _ session: BlockingSession, _ newest: Milliseconds?,
        _ others: Set<KeyFingerprint>
    ) throws(SessionError) {
        var history = known
        let now = try session.run("SELECT \(Nodes.now)").first?.number(0) ?? 0
        // What a server has issued that has just ended may have come in until now.
        history.begin(keyring, now: now, lastIssuedAt: max(newest ?? 0, now - 1), others: others)
        if history != known { try DatabaseKeys.write(history, session) }
    }
}
