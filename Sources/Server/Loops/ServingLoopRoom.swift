// Whether a loop takes another connection, and who goes where there are too many.

import UV

extension ServingLoop {
    /// Where there are as many connections as may be, a client waits in the kernel's queue until one
    /// closes; an idle one closes for it.
    func mayAccept(_ isWaiting: Bool) -> Bool {
        guard hasRoom else {
            guard isWaiting else { return false }
            isPaused = true
            for listener in listeners { listener.pause() }
            makeRoom()
            return false
        }
        // The rest comes in the next turn, behind what those have to say that have come in.
        return turns.handshakes < limits.handshakesPerTurnMax
    }

    private var hasRoom: Bool {
        connections.count < limits.connectionsPerLoopMax && hasRoomForHandshake
    }

    private var hasRoomForHandshake: Bool {
        if handshaking.count < limits.handshakesPerLoopMax { return true }
        let stalled = stalledCount
        return stalled < limits.stalledHandshakesPerLoopMax
            && handshaking.count - stalled < limits.handshakesPerLoopMax
    }

    private var stalledCount: Int { handshaking.values.count { isStalled($0) } }

    /// It waits for its client, and takes no time meanwhile.
    private func isStalled(_ connection: Connection) -> Bool {
        connection.isSilent || hasTaken(connection, limits.silentMilliseconds)
    }

    private func hasTaken(_ connection: Connection, _ milliseconds: UInt64) -> Bool {
        loop.monotonicMilliseconds - connection.idleSince >= milliseconds
    }

    /// Listeners wait until one of the handshakes under way has ended. Where too many wait for their clients,
    /// those that have done so for long end for it: first all of the address that has most of them, and of
    /// others only where that is not enough. So a crowd of one address does not keep the others out.
    private func makeRoomAmidHandshakes() {
        isFull = true
        guard stalledCount >= limits.stalledHandshakesPerLoopMax else { return }
        var crowds: [[UInt8]: [Connection]] = [:]
        for connection in handshaking.values where isStalled(connection) {
            crowds[connection.streamAddress, default: []].append(connection)
        }
        var left = max(1, limits.stalledHandshakesPerLoopMax / 4)
        for crowd in crowds.values.sorted(by: { $0.count > $1.count }) where left > 0 {
            for connection in crowd {
                let patience =
                    connection.isSilent
                    ? limits.silentMilliseconds : limits.slowHandshakeMilliseconds
                guard hasTaken(connection, patience) else { continue }
                connection.abort()
                left -= 1
            }
        }
    }

    /// In regular intervals while a client waits: what has stalled meanwhile may have left room.
    func lookForRoom() {
        acceptAgain()
        if isFull { makeRoom() }
    }

    func becameReady(_ connection: Connection) {
        guard handshaking.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
        acceptAgain()
    }

    func acceptAgain() {
        guard isPaused else { return }
        guard hasRoom else {
            // It may be another limit now: the next sweep looks.
            isFull = true
            return
        }
        isPaused = false
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
        let idle = connections.filter { connection in
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
        let unfinished = connections.filter {
            $0.isWaitingForBytes && now - $0.idleSince >= allowed
        }
        unfinished.min { $0.idleSince < $1.idleSince }?.abort()
    }
}
