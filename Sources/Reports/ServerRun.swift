// One life of a server, from its start to its end, and what was out of order meanwhile.

import Tokens

/// From a start to an end. Times are milliseconds since 1970.
public struct ServerRun: Equatable, Sendable {
    /// Drawn at each start.
    public let id: Int64
    /// What people call the server; empty where there is one only.
    public let name: String
    public let startedAt: Milliseconds
    /// The last moment at which it is known to have run.
    public var aliveUntil: Milliseconds
    /// When it ended as it should; nil: it runs, or was killed.
    public var stoppedAt: Milliseconds?

    public init(
        id: Int64, name: String, startedAt: Milliseconds, aliveUntil: Milliseconds,
        stoppedAt: Milliseconds? = nil
    ) {
        self.id = id
        self.name = name
        self.startedAt = startedAt
        self.aliveUntil = aliveUntil
        self.stoppedAt = stoppedAt
    }

    public var end: Milliseconds { stoppedAt ?? aliveUntil }
}

/// A stretch of time in which a server that ran did not answer.
public struct Outage: Equatable, Sendable {
    public let run: Int64
    /// nil: all of them, since the process stood still.
    public let endpoint: ReportedEndpoint?
    /// The first request of the series came then, in milliseconds since 1970.
    public let startedAt: Milliseconds
    /// nil: it lasts as long as the run.
    public var endedAt: Milliseconds?
    public var failed: Int
    /// In words, as far as it is known.
    public var cause: String

    public init(
        run: Int64, endpoint: ReportedEndpoint?, startedAt: Milliseconds, endedAt: Milliseconds?,
        failed: Int, cause: String
    ) {
        self.run = run
        self.endpoint = endpoint
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.failed = failed
        self.cause = cause
    }
}
