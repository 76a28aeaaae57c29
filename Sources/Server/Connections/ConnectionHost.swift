// What a connection needs of the loop that it is on. Tests put others under it.

import UV

/// One loop, as its connections see it. The loop's thread only.
protocol ConnectionHost: AnyObject {
    var commons: LoopCommons { get }
    var handler: any RequestHandler { get }
    var monotonicMilliseconds: UInt64 { get }
    /// The connection's stream was not ready, and is now.
    func becameReady(_ connection: Connection)
    /// A client could not even begin to talk.
    func handshakeFailed(_ reason: String, peer: [UInt8])
    /// `connection.deadline` may be nearer than where the wheel holds it.
    func deadlineCameNearer(_ connection: Connection)
    /// To be called back with `nextTurnCame`, once, behind whatever else the next turn brings.
    func awaitNextTurn(_ connection: Connection)
    /// The last call of a connection, unless it owes an answer then.
    func connectionClosed(_ connection: Connection)
    /// A closed connection has got the answer that it owed.
    func answeredAfterClose(_ connection: Connection)
}

extension ConnectionHost {
    func becameReady(_ connection: Connection) {}
    func handshakeFailed(_ reason: String, peer: [UInt8]) {}
    var limits: ServerLimits { commons.limits }
    var replies: Replies { commons.replies }
    var observer: LoopObserver { commons.observer }
    var turns: TurnCounter { commons.turns }
}
