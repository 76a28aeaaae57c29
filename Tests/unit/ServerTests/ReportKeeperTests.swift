// What people hear of figures that cannot be written.

import Glibc
import Reports
import Synchronization
import Testing
import Tokens

@testable import Server

struct ReportKeeperTests {
    private final class Store: ReportStore {
        private let failure: String?
        private let onBeat: () -> Void
        init(_ failure: String?, _ onBeat: @escaping () -> Void) {
            (self.failure, self.onBeat) = (failure, onBeat)
        }
        func save(_ batch: ReportBatch) -> String? { failure }
        func beat(at now: Milliseconds) { onBeat() }
    }

    private final class Lines: Sendable {
        let all = Mutex<[String]>([])
        let now = Atomic<Int64>(1_764_000_000_000)
    }

    /// - Parameters:
    ///   - microseconds: how long it lives.
    ///   - onBeat: a sign of life.
    /// - Returns: what a server has said until it has ended.
    private func lines(
        _ failure: String?, for microseconds: UInt32 = 0, silence: Milliseconds? = nil,
        onBeat: @escaping () -> Void = {}
    ) throws -> [String] {
        let lines = Lines()
        let collector = ReportCollector(run: 1, now: { 1_764_000_000_000 })
        let end = try ReportKeeper.start(
            collector, Store(failure, onBeat), name: "one", storeSilence: { silence },
            now: { lines.now.add(1, ordering: .relaxed).newValue },
            report: { line in lines.all.withLock { $0.append(line) } })
        usleep(microseconds)
        end()
        return lines.all.withLock { $0 }
    }

    @Test func figuresThatAreLostAtTheEndAreTold() throws {
        #expect(try lines(nil).isEmpty)
        let said = try lines("the disk is full")
        #expect(said.count == 1 && said[0].contains("they are lost"), "\(said)")
    }

    /// Its figures and outages are lost if it is killed, so the time must not count as good.
    @Test func whoCannotHandOverGivesNoSignOfLife() throws {
        for (failure, isAlive) in [(nil, true), ("the disk is full", false)] as [(String?, Bool)] {
            let beats = Lines()
            _ = try lines(failure, for: 2_300_000) { beats.now.add(1, ordering: .relaxed) }
            let count = beats.now.load(ordering: .relaxed) - 1_764_000_000_000
            #expect(isAlive ? count >= 2 : count == 1, "\(count)")
        }
    }

    /// Nor may it from the moment on when the store says that it takes nothing: the next save may be due much later.
    @Test func whoseStoreAnswersNobodyGivesNoSignOfLife() throws {
        let beats = Lines()
        _ = try lines("the disk is full", for: 1_300_000, silence: 0) {
            beats.now.add(1, ordering: .relaxed)
        }
        #expect(beats.now.load(ordering: .relaxed) == 1_764_000_000_000)
    }

    /// The keeper reads what is written down through the collector, at any moment.
    @Test func outageThatIsReadKeepsItsStart() {
        let collector = ReportCollector(run: 1, now: { 1_764_000_000_000 })
        for _ in 0..<5 { collector.failed(.tokens, microseconds: 100_000) }
        let read = collector.outages.map(\.startedAt)
        #expect(read == [1_763_999_999_900])
        collector.failed(.tokens, microseconds: 500_000)
        collector.look(storeSilence: nil, at: 1_764_000_000_500)
        #expect(collector.outages.map(\.startedAt) == read)
    }
}
