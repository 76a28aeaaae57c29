// What a connection stands on: a stream, and the loop that it is on. Tests put others under it.

import HTTP1
import UV

/// What a connection needs of the loop that it is on.
protocol ConnectionHost: AnyObject {
    var limits: ServerLimits { get }
    var handler: any RequestHandler { get }
    /// Answers on their way out. They belong to whichever connection is being worked on, and there
    /// are none in between.
    var replies: Replies { get }
    /// nil where there is no audit log.
    var auditor: Auditor? { get }
    /// nil where nothing is logged.
    var log: Logger? { get }
    /// nil where nobody counts.
    var metrics: LoopMetrics? { get }
    /// When the kernel told of what this turn of the loop works on, in microseconds.
    var turnBeganMicroseconds: UInt32 { get }
    var monotonicMilliseconds: UInt64 { get }
    /// True once the server stops: every answer is then the last of its connection.
    var isStopping: Bool { get }
    func deadlineCameNearer(_ connection: Connection)
    func connectionClosed(_ connection: Connection)
}

extension ConnectionHost {
    var auditor: Auditor? { nil }
    var log: Logger? { nil }
    var metrics: LoopMetrics? { nil }
    var turnBeganMicroseconds: UInt32 { 0 }
}
