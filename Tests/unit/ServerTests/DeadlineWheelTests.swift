// Deadlines: never early, hardly late.

import Testing

@testable import Server

@Suite struct DeadlineWheelTests {
    private final class Holder: DeadlineHolder {
        var deadline: UInt64
        var wheelTick = UInt64.max
        var wheelPlace: UInt32 = 0
        init(_ deadline: UInt64) { self.deadline = deadline }
        func deadlinePassed() {}
    }

    /// Never early, and at most two ticks late.
    @Test(arguments: [UInt64(0), 1, 249, 250, 1000, 59_999, 63_000, 64_000, 64_001, 500_000])
    func deadlineIsKept(after: UInt64) {
        let start: UInt64 = 10_000_123
        var wheel = DeadlineWheel<Holder>(now: start)
        let holder = Holder(start + after)
        wheel.place(holder)
        var now = start
        while wheel.advance(now: now).isEmpty { now += 10 }
        #expect(now >= holder.deadline)
        #expect(now <= holder.deadline + 500)
        #expect(holder.wheelTick == .max)
    }

    @Test func movedAndRemovedHoldersAreFoundWhereTheyBelong() {
        var wheel = DeadlineWheel<Holder>(now: 0)
        let (later, nearer, gone) = (Holder(1000), Holder(50_000), Holder(1000))
        for holder in [later, nearer, gone] { wheel.place(holder) }
        later.deadline = 30_000
        nearer.deadline = 2_000
        wheel.place(nearer)
        wheel.remove(gone)
        #expect(wheel.advance(now: 1_900).isEmpty)
        #expect(wheel.advance(now: 2_600).map { $0 === nearer } == [true])
        #expect(wheel.advance(now: 29_900).isEmpty)
        #expect(wheel.advance(now: 30_600).map { $0 === later } == [true])
        #expect(wheel.advance(now: 1_000_000).isEmpty)
    }

    /// Deadlines come nearer and move away, as `Connection` moves them; none is early, none late.
    @Test func wheelLooksEarlyEnoughHoweverDeadlinesMove() {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("DeadlineWheelTests: seed \(seed)")
        var random = SeededGenerator(state: seed)
        var now: UInt64 = 1_000_123
        var wheel = DeadlineWheel<Holder>(now: now)
        let holders = (0..<8).map { _ in Holder(.max) }
        let distances = [0, 1, 249, 250, 251, 1_000, 10_000, 63_750, 64_000, 64_250, 600_000]
        var passed = 0
        for _ in 0..<100_000 {
            let holder = holders[random.below(holders.count)]
            switch random.below(4) {
            case 0, 1:
                holder.deadline = now + UInt64(random.pick(distances) + random.below(300))
                // Where it has moved away the wheel finds out by itself.
                if DeadlineWheel<Holder>.tick(holder.deadline) < holder.wheelTick {
                    wheel.place(holder)
                }
            case 2 where random.chance(20): holder.deadline = .max
            case 2 where random.chance(10): wheel.remove(holder)
            default: now += UInt64(random.pick([1, 50, 250, 251, random.chance(5) ? 70_000 : 9]))
            }
            for late in wheel.advance(now: now) {
                #expect(late.deadline <= now && late.wheelTick == .max, "seed \(seed)")
                late.deadline = .max
                passed += 1
            }
            for holder in holders where holder.wheelTick != .max && holder.deadline != .max {
                #expect(holder.deadline + 500 > now, "seed \(seed)")
            }
        }
        #expect(passed > 1_000)
    }
}
