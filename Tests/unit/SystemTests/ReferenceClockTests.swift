// The clock of another machine in the place of the wall clock.

import System
import Testing

@Suite struct ReferenceClockTests {
    @Test func wallClockCountsUntilAnotherIsMeasured() {
        let reference = ReferenceClock()
        #expect(abs(reference.microseconds() - Clock.wallMicroseconds()) < 1_000_000)
        let boot = Clock.bootMicroseconds()
        let other = Clock.wallMicroseconds() + 3_600_000_000
        let ahead = reference.measured(other, sent: boot - 2000, received: boot)
        #expect(abs(ahead - 3_600_000_000) < 1_000_000)
        #expect(abs(reference.microseconds() - other) < 1_000_000)
    }

    /// The answer is as old as its way back took.
    @Test func middleOfTheWaitIsTheMoment() {
        let reference = ReferenceClock()
        let boot = Clock.bootMicroseconds()
        reference.measured(1_000_000_000, sent: boot - 10_000_000, received: boot)
        let after = reference.microseconds() - 1_005_000_000
        #expect((0..<1_000_000).contains(after), "\(after)")
        reference.measured(2_000_000_000, sent: boot - 10_000_000, received: boot)
        #expect(reference.microseconds() < 1_100_000_000, "what was known is better")
        reference.measured(2_000_000_000, sent: boot - 100_000, received: boot)
        #expect(reference.microseconds() > 1_900_000_000)
    }

    @Test func timekeeperTakesTheOtherClockOverAtOnceWhereNobodyHasLivedByIt() {
        for (step, mayGoBack) in [(-60_000, true), (60_000, true), (60_000, false)]
            as [(Int64, Bool)]
        {
            let clocks = TwoClocks()
            clocks.setWall(by: step)
            clocks.timekeeper.beginAnew(mayGoBack: mayGoBack)
            #expect(clocks.now == TwoClocks.start + step)
            #expect(clocks.timekeeper.wallClockAhead == 0)
            #expect(clocks.pass(10_000) == [], "there is nothing to tell")
            #expect(clocks.now == TwoClocks.start + step + 10_000)
        }
    }

    /// Those with whom the time is shared may be ahead of the other clock, or behind it.
    @Test(arguments: [-25_000, 25_000] as [Int64])
    func timeOfOthersIsTakenOver(ahead: Int64) {
        let clocks = TwoClocks()
        clocks.timekeeper.beginAnew(mayGoBack: true, ahead: ahead * 1000)
        #expect(clocks.now == TwoClocks.start + ahead)
        #expect(clocks.timekeeper.wallClockAhead == -ahead)
    }

    @Test(arguments: [253_402_300_800_000, .max / 1000, .max] as [Int64])
    func rowOfAnImpossibleTimeIsNoTime(seen: Int64) {
        let clocks = TwoClocks()
        clocks.timekeeper.begin(notBefore: seen)
        #expect(clocks.now == TwoClocks.start)
    }

    @Test func timeThatSomebodyHasLivedByIsDrawnBackSlowly() {
        let clocks = TwoClocks()
        clocks.setWall(by: -900)
        clocks.timekeeper.beginAnew(mayGoBack: false)
        #expect(clocks.now == TwoClocks.start)
        clocks.pass(100_000)
        #expect(abs(clocks.now - clocks.wall) <= 20)
    }
}
