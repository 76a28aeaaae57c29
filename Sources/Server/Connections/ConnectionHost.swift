// What a connection needs of the loop that it is on. Tests put others under it.

import UV

/// One loop, as its connections see it. The loop's thread only.
protocol ConnectionHost: AnyObject {
    var limitsInForce: LimitsInForce { get }
    var handler: any RequestHandler { get }
    /// Answers on their way out. They belong to whichever connection is being worked on, and there
    /// are none in between.
    var replies: Replies { get }
    /// Sees what comes, what goes, and each request that is finished.
    var observer: LoopObserver { get }
    var monotonicMilliseconds: UInt64 { get }
    var turns: TurnCounter { get }
    /// Reads for the connection that is being worked on.
    var spareReader: HeldReader { get }
    /// Who is believed when it says for whom it asks.
    var trustedProxies: TrustedProxies { get }
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
    var trustedProxies: TrustedProxies { .none }
    func becameReady(_ connection: Connection) {}
    func handshakeFailed(_ reason: String, peer: [UInt8]) {}
    var limits: ServerLimits { limitsInForce.limits }
}
