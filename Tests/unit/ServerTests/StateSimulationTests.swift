// The state of a connection through a million steps: whatever client, store, kernel and clock do,
// the rules of `ConnectionState` hold.

import Foundation
import Testing

@testable import Server

@Suite struct StateSimulationTests {
    private static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    /// OBIE_SEED begins with the life of that seed; OBIE_STEPS=1 ends with it.
    @Test func stateKeepsItsRulesWhateverHappens() {
        let stepsMax = Self.number("OBIE_STEPS") ?? 1_000_000
        let seed = Self.number("OBIE_SEED") ?? UInt64.random(in: 0...UInt64.max)
        print("StateSimulationTests: OBIE_SEED=\(seed)")
        var (steps, lives) = (UInt64(0), UInt64(0))
        var seen: Set<UInt8> = []
        while steps < stepsMax {
            let lifeSeed = seed &+ lives
            var random = SeededGenerator(state: lifeSeed)
            let world = StateWorld(UInt8(truncatingIfNeeded: random.next()))
            for _ in 0..<random.pick([5, 20, 100]) where !world.isOver {
                world.step(UInt8(truncatingIfNeeded: random.next() >> 24))
                seen.insert(world.state.waiting.rawValue)
            }
            world.finish()
            steps += UInt64(world.steps)
            lives += 1
            if let violation = world.violation {
                Issue.record("\(violation); again with OBIE_SEED=\(lifeSeed) OBIE_STEPS=1")
                return
            }
        }
        print("StateSimulationTests: \(steps) steps in \(lives) lives")
        if lives > 1_000 {
            #expect(seen.count == ConnectionState.Wait.allCases.count, "every wait comes up")
        }
    }
}
