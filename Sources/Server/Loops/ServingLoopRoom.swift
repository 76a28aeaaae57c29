// Whether a loop takes another connection, and who goes where there are too many.

import UV

extension ServingLoop {
    /// Where there are as many connections as may be, a client waits in the kernel's queue until one
    /// closes; an idle one closes for it.
    func mayAccept(_ isWaiting: Bool) -> Bool {
        if hasRoom { return true }
        guard isWaiting else { return false }
        for listener in listeners { listener.pause() }
        makeRoom()
        return false
    }

    private var hasRoom: Bool {
        connections.count < limits.connectionsPerLoopMax
            && handshaking.count < limits.handshakesPerLoopMax
    }

    /// Listeners wait until one of the handshakes under way has ended. One that has gone on for long ends
    /// for it: a crowd that only connects must not keep others out.
    private func makeRoomAmidHandshakes() {
        isFull = true
        let now = loop.monotonicMilliseconds
        let slow = handshaking.values.filter {
            now - $0.idleSince >= limits.slowHandshakeMilliseconds
        }
        for connection in slow { connection.abort() }
    }

    func becameReady(_ connection: Connection) {
        guard handshaking.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
        acceptAgain()
    }

    func acceptAgain() {
        guard hasRoom else { return }
        isFull = false
        for listener in listeners { listener.resume() }
    }

    /// For a client that waits: whoever can go goes.
    func makeRoom() {
        if connections.count >= limits.connectionsPerLoopMax {
            makeRoomAmidConnections()
        } else {
            makeRoomAmidHandshakes()
        }
    }

    /// Lets the connections go that have been idle longest.
    private func makeRoomAmidConnections() {
        let now = loop.monotonicMilliseconds
        let idle = connections.values.filter { connection in
            let quiet =
                connection.hasAsked ? limits.quietMilliseconds : limits.silentMilliseconds
            return connection.isIdle && now - connection.idleSince >= quiet
        }
        if idle.isEmpty { return makeRoomAmidRequests(now) }
        isFull = false
        // Several at a time where there are many, so that looking through all of them pays.
        let count = max(1, limits.connectionsPerLoopMax / 64)
        let oldest = idle.sorted { $0.idleSince < $1.idleSince }.prefix(count)
        for connection in oldest { connection.makeRoom() }
    }

    /// Nobody is idle: lets the one go that has kept others waiting longest with an unfinished request,
    /// where that is allowed.
    private func makeRoomAmidRequests(_ now: UInt64) {
        isFull = true
        guard let allowed = limits.unfinishedMilliseconds else { return }
        let unfinished = connections.values.filter {
            $0.isWaitingForBytes && now - $0.idleSince >= allowed
        }
        unfinished.min { $0.idleSince < $1.idleSince }?.abort()
    }
}
