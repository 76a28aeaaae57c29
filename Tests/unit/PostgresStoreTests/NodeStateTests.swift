// How long a server may go by what it has, and when no client should come.

import Synchronization
import System
import Testing

@testable import PostgresStore

@Suite struct LeaseTests {
    @Test func leaseRunsOutBeforeOthersCountTheServerOut() {
        #expect(Lease.milliseconds + 500 < Nodes.goneAfterMilliseconds)
        let now = Moment()
        let lease = Lease(clock: { now.value.load(ordering: .relaxed) })
        #expect(!lease.holds)
        lease.extend(from: 1_000_000)
        now.value.store(1_000_000 + Lease.milliseconds * 1000 - 1, ordering: .relaxed)
        #expect(lease.holds)
        now.value.store(1_000_000 + Lease.milliseconds * 1000, ordering: .relaxed)
        #expect(!lease.holds)
        lease.extend(from: 2_000_000)
        #expect(lease.holds)
        lease.giveUp()
        #expect(!lease.holds)
    }

    private final class Moment: Sendable {
        let value = Atomic(Int64(0))
    }
}

@Suite struct NodeStateTests {
    private final class Lines: Sendable {
        private let all = Mutex<[String]>([])
        func add(_ line: String) { all.withLock { $0.append(line) } }
        var texts: [String] { all.withLock { $0 } }
    }

    private let lines = Lines()

    private func state(requiresStandby: Bool = false) -> NodeState {
        let state = NodeState(requiresStandby: requiresStandby) { [lines] in lines.add($0) }
        state.lease.extend(from: Clock.bootMicroseconds() + 3_600_000_000)
        return state
    }

    @Test(arguments: [-1, 1] as [Int64])
    func clocksThatDifferAreToldOnceAndEndReadinessAtHalfAMinute(sign: Int64) {
        let state = state()
        func poll(_ offset: Int64, ahead: Int64 = 0) {
            state.polled(offset: sign * offset, ahead: ahead, isStandbyNamed: true, standbys: 1)
        }
        #expect(!state.isReady, "nothing is known yet")
        for (offset, count, isReady) in [
            (1000, 0, true), (1001, 1, true), (900, 1, true), (30_000, 1, true),
            (30_001, 1, false), (600, 1, true), (500, 2, true),
        ] as [(Int64, Int, Bool)] {
            poll(offset)
            #expect(lines.texts.count == count, "at \(offset)")
            #expect(state.isReady == isReady, "at \(offset)")
        }
        poll(0, ahead: 30_001)
        #expect(!state.isReady && state.isServing)
    }

    @Test(arguments: [false, true])
    func databaseWithoutStandbyIsTold(requiresStandby: Bool) {
        let state = state(requiresStandby: requiresStandby)
        for (isNamed, count) in [(true, 0), (false, 1), (false, 1), (true, 2)] {
            state.polled(offset: 0, ahead: 0, isStandbyNamed: isNamed, standbys: isNamed ? 1 : 0)
            #expect(lines.texts.count == count)
            #expect(state.isReady == (isNamed || !requiresStandby))
        }
        state.lease.giveUp()
        #expect(!state.isReady && !state.isServing)
    }
}
