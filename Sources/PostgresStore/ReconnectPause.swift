// How long to wait before the next connection is tried, and where.

import System

/// Hosts are tried in turn; after all have failed there is a pause, which doubles up to a second. No two
/// servers should come at once, so each draws by chance. A value.
struct ReconnectPause {
    private static let firstMilliseconds: UInt64 = 100
    private static let lastMilliseconds: UInt64 = 1000

    private let hosts: Int
    private(set) var host = 0
    /// The one that was tried last.
    private(set) var lastHost = 0
    private var failures = 0
    private var milliseconds = firstMilliseconds
    private let draw: (UInt64) -> UInt64

    init(hosts: Int, draw: @escaping (UInt64) -> UInt64 = ReconnectPause.drawn) {
        self.hosts = hosts
        self.draw = draw
    }

    /// A number below another.
    static func drawn(below limit: UInt64) -> UInt64 {
        var bytes = [UInt8](repeating: 0, count: 8)
        SystemRandom.fill(&bytes)
        return bytes.reduce(0) { $0 << 8 | UInt64($1) } % max(limit, 1)
    }

    /// The host that was tried last is a good one.
    mutating func succeeded() {
        failures = 0
        milliseconds = ReconnectPause.firstMilliseconds
    }

    /// After a failure or a loss: how long to wait before `host` is tried.
    mutating func next() -> UInt64 {
        lastHost = host
        failures += 1
        // A connection that was good may have been closed for a reason that has passed.
        if failures == 1 { return draw(ReconnectPause.firstMilliseconds / 2) }
        host = (host + 1) % hosts
        if (failures - 1) % hosts != 0 { return 0 }
        defer { milliseconds = min(milliseconds * 2, ReconnectPause.lastMilliseconds) }
        return milliseconds / 2 + draw(milliseconds / 2)
    }
}
