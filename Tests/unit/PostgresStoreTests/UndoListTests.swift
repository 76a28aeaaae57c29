// In which order exchanges are undone where some cannot be: without a database.

import Testing
import Tokens

@testable import PostgresStore

@Suite struct UndoListTests {
    private func undos(_ numbers: Range<UInt64>) -> [Undo] {
        numbers.map { Undo(Rig.attempt(Rig.code($0), token: $0)) }
    }

    /// Tries for so long, by a clock of its own.
    ///
    /// - Returns: what was undone, and how often something was tried.
    private func run(
        _ list: inout UndoList, microseconds: Int, cannot: Set<UInt64>
    ) -> (undone: Set<UInt64>, tries: Int) {
        var (undone, tries): (Set<UInt64>, Int) = ([], 0)
        for now in stride(from: 1, to: microseconds, by: 1000) {
            let some = list.due(at: now).map(\.code.low)
            if some.isEmpty { continue }
            tries += 1
            if cannot.isDisjoint(with: some) {
                undone.formUnion(some)
                list.done(some.count)
            } else {
                list.failed(some.count, isOfOne: true, now: now)
            }
        }
        return (undone, tries)
    }

    @Test(arguments: [[0], [7], [299], [0, 1, 150], [400, 401]] as [[UInt64]])
    func oneThatCannotBeUndoneHoldsUpNoOther(cannot: [UInt64]) {
        var list = UndoList()
        list.add(undos(0..<600))
        let (undone, tries) = run(&list, microseconds: 3_000_000, cannot: Set(cannot))
        #expect(undone == Set(0..<600).subtracting(cannot))
        #expect(list.count == cannot.count)
        // Those are tried every half a second, and the others once.
        #expect(tries <= 600 + 2 + 7 * cannot.count, "\(tries)")
        let later = run(&list, microseconds: 20_000_000, cannot: [])
        #expect(later.undone == Set(cannot) && list.isEmpty)
    }

    @Test func manyGoTogetherAgainOnceThoseAreDone() {
        var list = UndoList()
        list.add(undos(0..<2))
        _ = run(&list, microseconds: 10_000, cannot: [1])
        list.add(undos(2..<4))
        #expect(list.due(at: 1_000_000).count == 1)
        _ = run(&list, microseconds: 10_000_000, cannot: [])
        #expect(list.isEmpty)
        list.add(undos(4..<9))
        #expect(list.due(at: 20_000_000).count == 5)
    }

    /// A database that takes nothing is not asked all the time.
    @Test func allWaitWhereNoneIsAtFault() {
        var list = UndoList()
        list.add(undos(0..<3))
        list.failed(3, isOfOne: false, now: 100)
        #expect(list.due(at: 500_099).isEmpty)
        #expect(list.due(at: 500_100).count == 3)
    }
}
