// The time goes on whatever happens to the wall clock, and is drawn to it where that stays.

import System
import Testing

private let second: Int64 = 1000
private let minute = 60 * second
private let hour = 60 * minute
private let day = 24 * hour

/// The same numbers for the same seed (SplitMix64).
private struct Seeded: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite struct TimekeeperTests {
    private let clocks = TwoClocks()

    @Test func beginsWithTheWallClockAndGoesOnWithIt() {
        #expect(clocks.now == TwoClocks.start)
        #expect(clocks.pass(10 * minute) == [])
        #expect(clocks.now == TwoClocks.start + 10 * minute)
        #expect(clocks.timekeeper.wallClockAhead == 0)
    }

    /// Each is told once, and again when it is over; the time has not noticed.
    @Test(arguments: [-50 * second, 400 * day, -10 * minute, -hour, 2 * second, -400 * day])
    func stepThatDoesNotStayChangesNothing(step: Int64) {
        clocks.setWall(by: step)
        #expect(clocks.now == TwoClocks.start)
        #expect(clocks.pass(4 * second) == [.differs(by: step)])
        #expect(clocks.now == TwoClocks.start + 4 * second)
        #expect(clocks.timekeeper.wallClockAhead == step)
        clocks.setWall(by: -step)
        #expect(clocks.pass(10 * minute) == [.agrees])
        #expect(clocks.now == clocks.wall)
    }

    @Test(arguments: [-50 * second, 10 * minute])
    func stepThatStaysIsFollowedAfterFiveMinutes(step: Int64) {
        clocks.setWall(by: step)
        #expect(clocks.pass(5 * minute) == [.differs(by: step)])
        #expect(clocks.now == TwoClocks.start + 5 * minute)
        #expect(clocks.pass(second) == [.confirmed(by: step)])
        // A hundredth of the time that passes.
        #expect(clocks.pass(abs(step) * 100 - 101 * second) == [])
        #expect(abs(clocks.wall - clocks.now) == 1010)
        #expect(clocks.pass(minute) == [.agrees])
        #expect(clocks.pass(2 * minute) == [])
        #expect(abs(clocks.wall - clocks.now) <= 1)
    }

    @Test func stepThatMovesOnWaitsAgain() {
        for _ in 0..<10 {
            clocks.setWall(by: 10 * second)
            #expect(clocks.pass(4 * minute).count == 1)
        }
        #expect(clocks.now == TwoClocks.start + 40 * minute)
    }

    /// What a time service does every day, and a leap second.
    @Test(arguments: [-1000, -999, -20, 3, 500, 1000] as [Int64])
    func smallChangeIsFollowedAtOnce(change: Int64) {
        clocks.setWall(by: change)
        #expect(clocks.pass(110 * second) == [])
        #expect(abs(clocks.wall - clocks.now) <= 1)
    }

    /// A wall clock that runs wrong takes nobody along, and is told.
    @Test func wallClockThatRunsTooFastIsTold() {
        var told: [WallClockNotice] = []
        for _ in 0..<100 {
            clocks.setWall(by: 500)
            told += clocks.pass(second)
        }
        #expect(told.count == 1)
        #expect(clocks.now - TwoClocks.start <= 101 * second)
    }

    @Test func suspendedTimeCounts() {
        clocks.suspend(8 * hour)
        #expect(clocks.now == TwoClocks.start + 8 * hour)
        #expect(clocks.pass(second) == [])
    }

    /// Whatever the wall clock does: never back, and 60 s take 59.4 to 60.6 s.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func aMinuteIsAMinute(seed: UInt64) {
        var random = Seeded(state: seed)
        let steps = [1, 30, 999, 1001, 50_000, 600_000, 3_600_000, 34_560_000_000] as [Int64]
        var times: [Int64] = []
        for _ in 0..<3000 {
            if Int.random(in: 0..<200, using: &random) == 0,
                let step = steps.randomElement(using: &random)
            {
                clocks.setWall(by: Bool.random(using: &random) ? step : -step)
            }
            clocks.pass(second)
            times.append(clocks.now)
        }
        let minutes = zip(times, times.dropFirst(60)).map { $1 - $0 }
        #expect(minutes.allSatisfy { (59_399...60_601).contains($0) }, "seed \(seed)")
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 <= $1 })
    }
}

@Suite struct TimekeeperStartTests {
    @Test func timeBeginsAfterTheLastThatWasSeen() {
        let clocks = TwoClocks()
        clocks.timekeeper.begin(notBefore: TwoClocks.start + 10 * minute)
        #expect(clocks.now == TwoClocks.start + 10 * minute + 1)
        // Nobody is told a second time.
        #expect(clocks.pass(16 * hour) == [])
        #expect(clocks.pass(2 * hour) == [.agrees])
        #expect(abs(clocks.wall - clocks.now) <= 1)
    }

    @Test(arguments: [nil, TwoClocks.start - 1, TwoClocks.start - 90 * day])
    func wallClockCountsWhereItIsAhead(lastSeen: Int64?) {
        let clocks = TwoClocks()
        clocks.timekeeper.begin(notBefore: lastSeen)
        #expect(clocks.now == TwoClocks.start)
        #expect(clocks.pass(minute) == [])
        #expect(clocks.now == clocks.wall)
    }

    /// Nothing is deleted for good before the wall clock has been believed for five minutes.
    @Test(arguments: [-hour - second, 400 * day])
    func startFarFromTheLastTimeIsInDoubt(distance: Int64) {
        let clocks = TwoClocks()
        #expect(clocks.timekeeper.isSure)
        clocks.timekeeper.begin(notBefore: TwoClocks.start - distance)
        #expect(!clocks.timekeeper.isSure)
        clocks.pass(4 * minute)
        #expect(!clocks.timekeeper.isSure)
        // The time service sets it right; or, where it was right, it stays.
        if distance < 0 { clocks.setWall(by: -distance) }
        clocks.pass(4 * minute)
        #expect(clocks.timekeeper.isSure == (distance > 0))
        clocks.pass(10 * minute)
        #expect(clocks.timekeeper.isSure)
    }

    @Test(arguments: [-hour + second, 0, hour - second])
    func startNearTheLastTimeIsSure(distance: Int64) {
        let clocks = TwoClocks()
        clocks.timekeeper.begin(notBefore: TwoClocks.start - distance)
        #expect(clocks.timekeeper.isSure)
    }

    /// What was begun waits while the wall clock says something else, and goes on afterwards.
    @Test func correctionPausesWhileTheWallClockIsInDoubt() {
        let clocks = TwoClocks()
        clocks.timekeeper.begin(notBefore: TwoClocks.start + 10 * minute - 1)
        #expect(clocks.pass(100 * second) == [])
        #expect(abs(clocks.wall - clocks.now + 599 * second) <= 20)
        clocks.setWall(by: hour)
        #expect(clocks.pass(100 * second).count == 1)
        #expect(abs(clocks.wall - clocks.now - hour + 599 * second) <= 20)
        clocks.setWall(by: -hour)
        #expect(clocks.pass(100 * second) == [])
        #expect(abs(clocks.wall - clocks.now + 598 * second) <= 30)
    }

    /// It is set to what the server has meanwhile: nothing needs to be confirmed.
    @Test func wallClockThatComesToAgreeIsBelievedAtOnce() {
        let clocks = TwoClocks()
        clocks.timekeeper.begin(notBefore: TwoClocks.start + 10 * minute)
        clocks.setWall(by: 10 * minute)
        #expect(clocks.pass(second) == [.agrees])
        #expect(clocks.pass(10 * minute) == [])
        #expect(abs(clocks.wall - clocks.now) <= 1)
    }

    /// A start with a wrong clock that is set right a moment later stays in doubt for ever.
    @Test func wrongStartDeletesNothing() {
        let clocks = TwoClocks(wall: TwoClocks.start + 400 * day)
        clocks.timekeeper.begin(notBefore: TwoClocks.start)
        clocks.pass(4 * second)
        clocks.setWall(by: -400 * day)
        clocks.pass(day)
        #expect(!clocks.timekeeper.isSure)
    }
}
