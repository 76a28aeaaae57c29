// Whether the file takes changes. Written by the writer, read by anybody.

import Synchronization

/// Says so once each time it changes. Any thread.
public final class StoreHealth: Sendable {
    private let cause = Mutex<String?>(nil)
    private let report: @Sendable (String) -> Void

    /// - Parameter report: gets one line for each change, without any secret.
    init(report: @escaping @Sendable (String) -> Void) { self.report = report }

    public var isGood: Bool { cause.withLock { $0 == nil } }

    func tell(_ line: String) { report(line) }

    func failed(_ description: String) {
        let isNew = cause.withLock { cause in
            defer { cause = description }
            return cause == nil
        }
        if isNew {
            report(
                "the store does not take changes: \(description); requests get 503 until it does")
        }
    }

    func recovered() {
        let wasBad = cause.withLock { cause in
            defer { cause = nil }
            return cause != nil
        }
        if wasBad { report("the store takes changes again") }
    }
}
