// What one connection may do in one turn of the loop, so that a client that asks without end holds up
// nobody else.

/// Counts the turns of a loop; may begin again. The loop's thread.
final class TurnCounter {
    private(set) var number: UInt32 = 0
    /// Clients that have come in in this turn and are to begin a handshake.
    var handshakes = 0

    func next() {
        number &+= 1
        handshakes = 0
    }
}

/// What a connection has used up of what it may have in one turn of the loop.
struct TurnBudget {
    private var turn: UInt32 = 0
    var requests: UInt32 = 0
    private var bytes: UInt32 = 0

    /// The same, or a new one where another turn has begun.
    func inTurn(_ turn: UInt32) -> TurnBudget {
        turn == self.turn ? self : TurnBudget(turn: turn)
    }

    func adding(bytes count: Int) -> TurnBudget {
        var sum = self
        sum.bytes &+= UInt32(clamping: count)
        return sum
    }

    /// - Parameter offset: bytes that are not in `bytes` yet.
    func isSpent(_ offset: Int, _ limits: ServerLimits) -> Bool {
        Int(requests) >= limits.requestsPerTurnMax
            || Int(bytes) + offset >= limits.bytesPerTurnMax
    }
}
