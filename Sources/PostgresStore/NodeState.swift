// What a server knows of its database, besides codes and tokens: whether it may serve, how far the clocks are
// apart, whether a standby is waited for. Written by the thread that watches, read by anybody.

import Metrics
import Synchronization
import System

/// Any thread.
public final class NodeState: Sendable {
    /// People are told from here on.
    static let offsetToldMilliseconds: Int64 = 1000
    /// From here on no client should come: one of the two clocks is wrong.
    static let offsetMax: Int64 = 30_000

    public let lease: Lease
    private let requiresStandby: Bool
    private let report: @Sendable (String) -> Void
    private let seen = Mutex<Seen?>(nil)
    private let refusal = Mutex<String?>(nil)
    private let setBacks = Atomic(0)

    /// What the last poll has brought. Times in milliseconds.
    private struct Seen {
        var offset: Int64
        var ahead: Int64
        var isStandbyNamed: Bool
        var standbys: Int64
        /// On the clock since boot.
        var at: Int64
        var isOffsetTold = false
        var isStandbyTold = false
    }

    /// - Parameters:
    ///   - requiresStandby: not ready while commits wait for no standby.
    ///   - report: gets a line for each change.
    public init(requiresStandby: Bool, report: @escaping @Sendable (String) -> Void) {
        lease = Lease()
        self.requiresStandby = requiresStandby
        self.report = report
    }

    /// Requests are answered. Without it what is registered may have changed, so nobody can be told
    /// anything.
    public var isServing: Bool { lease.holds }

    /// Clients should be sent here.
    public var isReady: Bool {
        guard lease.holds, let seen = seen.withLock({ $0 }) else { return false }
        return abs(seen.offset) <= NodeState.offsetMax && abs(seen.ahead) <= NodeState.offsetMax
            && (seen.isStandbyNamed || !requiresStandby)
    }

    /// The server must not join the others, and serves nobody. Each reason is told once.
    func refused(_ reason: String) {
        lease.giveUp()
        let isNew = refusal.withLock { refusal in
            defer { refusal = reason }
            return refusal != reason
        }
        if isNew { report("\(reason); requests get 503 until then") }
    }

    /// The database has an older registry than this server has read. The database is the truth.
    func registrySetBack(from old: Int64, to new: Int64) {
        setBacks.add(1, ordering: .relaxed)
        report(
            "warning: the registry in the database is older than the one that this server has read "
                + "(version \(new), after \(old)): a backup was put back, or a fail-over has lost "
                + "changes. The server goes by it; see with `obie-tokens fi list` and `obie-tokens psp "
                + "list` whether what was disabled, removed or given a new secret since still is")
    }

    func joined() { refusal.withLock { $0 = nil } }

    /// - Parameters:
    ///   - offset: by how much the database's clock is ahead of this machine's.
    ///   - ahead: by how much it is ahead of the time that the server lives by.
    func polled(offset: Int64, ahead: Int64, isStandbyNamed: Bool, standbys: Int64) {
        var new = Seen(
            offset: offset, ahead: ahead, isStandbyNamed: isStandbyNamed, standbys: standbys,
            at: Clock.bootMicroseconds() / 1000)
        let lines = seen.withLock { seen in
            let lines = notices(&new, seen)
            seen = new
            return lines
        }
        for line in lines { report(line) }
    }

    private func notices(_ new: inout Seen, _ old: Seen?) -> [String] {
        var lines: [String] = []
        // Twice the distance between the two limits, so that it is not told again and again.
        let limit =
            NodeState.offsetToldMilliseconds / (old?.isOffsetTold == true ? 2 : 1)
        new.isOffsetTold = abs(new.offset) > limit
        if new.isOffsetTold != (old?.isOffsetTold ?? false) {
            lines.append(
                new.isOffsetTold
                    ? "the database's clock is \(abs(new.offset)) ms "
                        + (new.offset > 0 ? "ahead of" : "behind")
                        + " this machine's; codes and tokens go by the database's, and beyond "
                        + "\(NodeState.offsetMax / 1000) s the server is not ready: look after the "
                        + "time services of both"
                    : "the database's clock and this machine's agree again")
        }
        new.isStandbyTold = !new.isStandbyNamed
        if new.isStandbyTold != (old?.isStandbyTold ?? false) {
            lines.append(
                new.isStandbyTold
                    ? "the database waits for no standby (synchronous_standby_names is empty): what "
                        + "is answered is on one machine only"
                        + (requiresStandby
                            ? ", and require-standby is set, so /readyz says 503" : "")
                    : "the database waits for a standby again")
        }
        return lines
    }

    public func appendMetrics(to text: inout MetricsText) {
        let seen = seen.withLock { $0 }
        text.gauge(
            "obie_tokens_registry_current",
            "1 while the registry is known to be the newest, 0 while requests get 503 for that.",
            lease.holds ? 1 : 0)
        text.counter(
            "obie_tokens_registry_set_back_total",
            "How often the database had an older registry than this server had read.",
            setBacks.load(ordering: .relaxed))
        guard let seen else { return }
        text.gauge(
            "obie_tokens_database_poll_age_seconds",
            "How long ago the database last told its state.",
            Double(Clock.bootMicroseconds() / 1000 - seen.at) / 1000)
        text.gauge(
            "obie_tokens_database_clock_offset_seconds",
            "By how much the database's clock is ahead of this machine's.",
            Double(seen.offset) / 1000)
        text.gauge(
            "obie_tokens_database_time_difference_seconds",
            "By how much the database's clock is ahead of the time that codes and tokens go by here.",
            Double(seen.ahead) / 1000)
        text.gauge(
            "obie_tokens_database_standby_named",
            "1 while commits wait for a standby, 0 while they are on one machine only.",
            seen.isStandbyNamed ? 1 : 0)
        text.gauge(
            "obie_tokens_database_standbys", "Standbys that stream from the database.",
            Double(seen.standbys))
    }
}
