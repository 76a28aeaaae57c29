// The signals that run a server: SIGTERM and SIGINT end it, SIGHUP is its owner's.

import UV

/// Watches for the signals on a loop, until it is closed. Its thread only.
final class ProcessSignals {
    /// Supervisors signal a process and then its group: signals so close are one, in milliseconds.
    private static let sameSignalMilliseconds: UInt64 = 1000

    private let loop: EventLoop
    private var signals: [Signal] = []
    private var endedAt: UInt64?

    /// - Parameters:
    ///   - onEnd: the first SIGTERM or SIGINT asks for an orderly end. The second ends the process as
    ///     if there were no handler.
    ///   - onHangUp: SIGHUP has come.
    init(
        _ loop: EventLoop, onEnd: @escaping () -> Void, onHangUp: @escaping () -> Void
    ) throws(UVError) {
        self.loop = loop
        signals.append(try Signal(loop, Signal.hangUp, onHangUp))
        for number in [Signal.terminate, Signal.interrupt] {
            signals.append(
                try Signal(loop, number) { [unowned self] in end(number, onEnd) })
        }
    }

    private func end(_ number: Int32, _ onEnd: () -> Void) {
        let now = loop.monotonicMilliseconds
        guard let first = endedAt else {
            endedAt = now
            return onEnd()
        }
        if now - first >= ProcessSignals.sameSignalMilliseconds { Signal.end(by: number) }
    }

    /// From now on they do nothing: what comes is the same signal once more, or too late to hurry
    /// anything; and SIGHUP would end the process while the store is being closed.
    func close() {
        Signal.silence(signals)
    }
}
