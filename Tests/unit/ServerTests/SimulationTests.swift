// Connections on a simulated network: whatever clients, kernel and store do, answers stay in
// order, each comes once, and memory stays bounded.

import Foundation
import Testing

@testable import Server

@Suite struct SimulationTests {
    private static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    /// OBIE_SEED begins with the world of that seed; OBIE_STEPS=1 ends with it.
    @Test func connectionsKeepTheirPromisesOnAnyNetwork() {
        let stepsMax = Self.number("OBIE_STEPS") ?? 1_000_000
        let seed = Self.number("OBIE_SEED") ?? UInt64.random(in: 0...UInt64.max)
        print("SimulationTests: OBIE_SEED=\(seed)")
        let replies = FakeHost.makeReplies()
        var (steps, worlds) = (UInt64(0), UInt64(0))
        while steps < stepsMax {
            let worldSeed = seed &+ worlds
            weak var remains: SimulatedWorld?
            var violation: String?
            do {
                let world = SimulatedWorld(seed: worldSeed, replies: replies)
                world.run()
                violation = world.violation
                steps += UInt64(world.steps)
                remains = world
            }
            worlds += 1
            if let violation {
                Issue.record("\(violation); again with OBIE_SEED=\(worldSeed) OBIE_STEPS=1")
                return
            }
            #expect(remains == nil, "something of world \(worldSeed) is still in memory")
        }
        print("SimulationTests: \(steps) steps in \(worlds) worlds")
    }
}
