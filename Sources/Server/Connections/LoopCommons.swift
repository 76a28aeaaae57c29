// What the connections of one loop have in common. Each holds one reference to all of it, so that an idle
// one is small.

import HTTP1

/// One per loop; the loop's thread only.
final class LoopCommons {
    /// A reload changes them for all connections.
    var limits: ServerLimits
    /// Answers on their way out. They belong to whichever connection is being worked on, and there
    /// are none in between.
    let replies: Replies
    /// Sees what comes, what goes, and each request that is finished.
    let observer: LoopObserver
    let turns = TurnCounter()
    /// Who is believed when it says for whom it asks.
    let trustedProxies: TrustedProxies
    /// Reads for the connection that is being worked on.
    let spareReader: HeldReader
    /// What the connection that is being worked on has been asked.
    let spareRequest: OpenRequest

    init(
        limits: ServerLimits, replies: Replies, observer: LoopObserver,
        trustedProxies: TrustedProxies = .none
    ) {
        self.limits = limits
        self.replies = replies
        self.observer = observer
        self.trustedProxies = trustedProxies
        spareReader = HeldReader(limits.http)
        spareRequest = OpenRequest(ReplyContext(drawn: replies.drawID()))
    }
}
