// When memory goes back to the kernel: soon after it is free, and not all the time.

import Testing

@testable import Server

@Suite struct MemoryReleaseTests {
    /// A server that is asked once a second.
    private struct Asked {
        var release = MemoryRelease()
        var now: UInt64 = 5000
        var closed = 0
        /// Connections closed whose memory has not gone back.
        var kept = 0
        var releases = 0

        mutating func second(closing count: Int = 0, hasExpired: Bool = false) {
            pass(1000, closing: count, hasExpired: hasExpired)
        }

        mutating func pass(_ milliseconds: UInt64, closing count: Int, hasExpired: Bool) {
            (now, closed, kept) = (now + milliseconds, closed + count, kept + count)
            if release.isDue(now: now, hasExpired: hasExpired, closed: closed) {
                (kept, releases) = (0, releases + 1)
            }
        }
    }

    @Test func nothingIsDoneWhereNothingWasFreed() {
        var asked = Asked()
        for _ in 0..<100 { asked.second() }
        for _ in 0..<99 { asked.second(closing: 1) }
        #expect(asked.releases == 0)
    }

    /// However a crowd that leaves falls on the moments at which it is asked: first the early release,
    /// then one for those who left after it.
    @Test(arguments: [
        [2000], [1500, 500], [999, 1001], [1900, 100], [1000, 1000], [700, 700, 600],
    ])
    func crowdIsForgottenAsSoonAsItHasLeft(parts: [Int]) {
        var asked = Asked()
        for _ in 0..<2 {
            for count in parts { asked.second(closing: count) }
            asked.second()
            #expect(asked.kept == 0)
        }
    }

    @Test func whatExpiresIsReleasedAtOnceAndThenAfterThePause() {
        var asked = Asked()
        asked.second(hasExpired: true)
        #expect(asked.releases == 1)
        for _ in 0..<29 { asked.second(hasExpired: true) }
        #expect(asked.releases == 1)
        asked.second(hasExpired: true)
        #expect(asked.releases == 2)
        asked.second(hasExpired: true)
        for _ in 0..<28 { asked.second() }
        #expect(asked.releases == 2)
        asked.second()
        #expect(asked.releases == 3)
        for _ in 0..<100 { asked.second() }
        #expect(asked.releases == 3)
    }

    /// While things expire all the time, a crowd waits for no pause.
    @Test func crowdIsForgottenThoughThingsExpire() {
        var asked = Asked()
        for count in [0, 1500, 500] { asked.second(closing: count, hasExpired: true) }
        #expect(asked.kept == 2000)
        asked.second(hasExpired: true)
        #expect(asked.kept == 0)
    }

    /// It is no crowd at any moment, and none of those that come after the release may be forgotten.
    @Test(arguments: [10, 50, 99, 300])
    func whoeverLeavesSlowlyIsForgottenToo(each: Int) {
        var asked = Asked()
        for _ in 0..<1900 / each { asked.second(closing: each) }
        for _ in 0..<31 { asked.second() }
        #expect(asked.kept < MemoryRelease.leaving)
    }

    /// Where much expires it is asked every few milliseconds: that nobody has left since then means nothing.
    @Test func crowdHasNotLeftWithinMilliseconds() {
        var asked = Asked()
        asked.second(hasExpired: true)
        asked.second(closing: 1500, hasExpired: true)
        for _ in 0..<10 { asked.pass(3, closing: 5, hasExpired: true) }
        #expect(asked.releases == 1)
        asked.second(closing: 500, hasExpired: true)
        asked.second(hasExpired: true)
        #expect(asked.releases == 2 && asked.kept == 0)
        for _ in 0..<10_400 { asked.pass(3, closing: 9, hasExpired: true) }
        #expect(asked.releases == 3, "one in half a minute")
    }

    @Test func anyTrafficIsForgotten() {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("MemoryReleaseTests: seed \(seed)")
        var random = SeededGenerator(state: seed)
        for _ in 0..<500 {
            var asked = Asked()
            for _ in 0..<random.below(40) {
                asked.second(
                    closing: random.below(3) * random.below(1500),
                    hasExpired: random.below(4) == 0)
            }
            asked.second()
            #expect(asked.kept < MemoryRelease.crowd)
            for _ in 0..<30 { asked.second() }
            #expect(asked.kept < MemoryRelease.leaving)
        }
        var steady = Asked()
        for _ in 0..<600 { steady.second(closing: 5000) }
        #expect(steady.releases == 20)
    }
}
