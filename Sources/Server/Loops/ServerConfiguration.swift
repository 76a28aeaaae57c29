// What a server is to be, as whoever starts it says.

import Metrics
import System
import Tokens
import UV

/// What a server is to be.
public struct ServerConfiguration {
    public var listen: SocketAddress
    public var adminListen: SocketAddress
    /// Public event loops, each with a thread.
    public var loops: Int
    /// Listening sockets that were handed to the process; empty: `listen` and `adminListen` count.
    public var listenDescriptors: [Int32] = []
    public var adminDescriptors: [Int32] = []
    /// What the public listeners talk on.
    public var streams = StreamKind.plain
    /// What the admin listener talks on.
    public var adminStreams = StreamKind.plain
    /// Believed on the public listeners when they say for whom they ask.
    public var trustedProxies = TrustedProxies.none
    /// Without a trailing slash; nil: the scheme of `streams`, and the address that was bound, or the
    /// machine's name where that stands for all addresses.
    public var publicURL: String?
    public var limits = ServerLimits()
    /// The time that codes and tokens live by, on all loops.
    public var clock = Timekeeper()
    /// For attempts that fail; nil lets all fail as often as they like.
    public var throttle: FailureThrottle?
    /// What is done about the certificates of clients and providers.
    public var certificates = CertificatePolicy()
    /// nil: nothing is written down.
    public var audit: (any AuditSink)?
    /// Makes what success waits for on a loop, so that no answer leaves before its line in the audit
    /// log is on disk; nil: none waits.
    public var makeAuditGate: ((EventLoop) throws(UVError) -> any AuditGate)?
    /// False while success would wait in vain. The caller's thread; must not wait.
    public var isAuditAvailable: () -> Bool = { true }
    /// False while nobody can be told anything: each request about codes and tokens gets 503, whoever
    /// asks. Any thread; must not wait. nil: that never happens.
    public var isServing: (@Sendable () -> Bool)?
    /// False while clients should go elsewhere. The caller's thread; must not wait.
    public var isReady: () -> Bool = { true }
    /// For the access log.
    public var log: Logger?
    /// Adds what is not the server's own to the page of metrics. The caller's thread; must not wait.
    public var moreMetrics: ((inout MetricsText) -> Void)?
    /// Is told of every request about codes and tokens; nil: nobody asks for reports.
    public var reports: ReportCollector?
    public var heartbeat: Heartbeat?
    /// SIGHUP has come. The caller's thread; must not wait.
    public var onHangUp: (Server) -> Void = { _ in }
    /// Is told of each change. The caller's thread; must not wait.
    public var onStateChange: (ServerState) -> Void = { _ in }
    /// A line for the log about something that is not as it should be, or is again. Any thread.
    public var onWarning: @Sendable (String) -> Void = { _ in }

    /// What links in answers begin with: never what a client has sent, such as its Host.
    func url(at address: SocketAddress) -> String {
        publicURL ?? streams.url(address, machine: Machine.hostName)
    }

    var takesWork: Bool { isAuditAvailable() && isReady() }

    public init(listen: SocketAddress, adminListen: SocketAddress, loops: Int) {
        self.listen = listen
        self.adminListen = adminListen
        self.loops = loops
    }
}

/// A call from the main loop in regular intervals.
public struct Heartbeat {
    public let milliseconds: UInt64
    /// Is given the numbers of the public loops that have not turned for as long.
    public let beat: ([Int]) -> Void

    public init(milliseconds: UInt64, _ beat: @escaping ([Int]) -> Void) {
        self.milliseconds = milliseconds
        self.beat = beat
    }
}

/// What a server is doing, as those who run it are told.
public enum ServerState: Sendable {
    /// It accepts and answers, and no more clients should be sent.
    case draining
    /// It accepts nobody, and finishes what is under way.
    case stopping
}
