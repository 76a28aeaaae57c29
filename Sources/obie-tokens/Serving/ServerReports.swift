// What a server does for `obie-tokens report`: it counts, and a thread of its own keeps what was counted.

import Reports
import Server
import System
import Tokens
import UV

/// Made and closed on the main thread.
final class ServerReports {
    let collector: ReportCollector
    private let clock: Timekeeper
    private var end: (() -> Void)?

    init(_ clock: Timekeeper) {
        self.clock = clock
        var bytes = [UInt8](repeating: 0, count: 8)
        SystemRandom.fill(&bytes)
        let run = bytes.reduce(0) { $0 << 8 | Int64($1) } & .max
        collector = ReportCollector(run: run, now: clock.now)
    }

    /// Begins to keep what is counted. Call when the time has begun.
    ///
    /// - Parameters:
    ///   - store: nil: nothing is kept.
    ///   - name: what reports call the server.
    func start(
        _ store: (any ReportStore)?, name: String,
        storeSilence: @escaping @Sendable () -> Milliseconds?,
        report: @escaping @Sendable (String) -> Void
    ) throws(ProgramFailure) {
        guard let store else { return }
        do throws(UVError) {
            end = try ReportKeeper.start(
                collector, store, name: name, storeSilence: storeSilence, now: clock.now,
                report: report)
        } catch {
            throw ProgramFailure(
                description: "cannot start a thread for reports: \(error); "
                    + ProgramFailure.shortageAdvice)
        }
    }

    /// Writes down what is left, and that the server has ended as it should. When no loop turns any more,
    /// and before the store is closed.
    func close() {
        end?()
        end = nil
    }
}
