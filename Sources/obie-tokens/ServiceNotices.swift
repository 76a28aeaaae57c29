// What the service manager is told of this process, and when.

import Server
import System

/// Speaks to systemd, where it started this process. The main thread, but for `status`.
struct ServiceNotices: Sendable {
    private let manager: ServiceManager?

    init(_ manager: ServiceManager?) { self.manager = manager }

    /// Listening, with the store open.
    func ready(_ status: String) { manager?.notify("READY=1", "STATUS=\(status)") }

    /// For people, in `systemctl status`. Any thread.
    func status(_ text: String) { manager?.notify("STATUS=\(text)") }

    func reloading() {
        manager?.notify("RELOADING=1", "MONOTONIC_USEC=\(Clock.monotonicMicroseconds())")
    }

    func reloaded() { manager?.notify("READY=1") }

    func changed(_ state: ServerState) {
        switch state {
        case .draining: status("draining: still accepting, no more clients should be sent")
        case .stopping: manager?.notify("STOPPING=1", "STATUS=finishing requests under way")
        }
    }

    /// Tells the watchdog twice in its interval that all is well, while every loop turns and the
    /// store's writer moves on. nil where nobody watches.
    ///
    /// - Parameter log: gets a line each time it stops being well, and one when it is again.
    func heartbeat(_ store: any OpenedStore, log: @escaping (String) -> Void) -> Heartbeat? {
        guard let manager, let interval = manager.watchdogMicroseconds else { return nil }
        let milliseconds = max(1, interval / 2000)
        var wasWell = true
        return Heartbeat(milliseconds: milliseconds) { stuckLoops in
            var stuck = stuckLoops.map { "event loop \($0)" }
            if store.isStuck(longerThan: milliseconds) {
                stuck.append("the store's writer")
            }
            let isWell = stuck.isEmpty
            if isWell { manager.notify("WATCHDOG=1") }
            if isWell != wasWell {
                log(
                    isWell
                        ? "everything moves on again"
                        : "no sign of life for the watchdog: \(stuck.joined(separator: " and ")) "
                            + "has not moved for \(milliseconds) ms")
            }
            wasWell = isWell
        }
    }
}
