// How many codes are live and expired, with the clock in hand.

import Synchronization
import Testing
import Tokens
import UV

@testable import Server

@Suite struct CodeCensusTests {
    private static let start: Milliseconds = 1_000_000_000

    private static func count(_ census: CodeCensus, _ offset: Milliseconds) -> [Int] {
        let count = census.count(now: start + offset)
        return [count.live, count.expired]
    }

    @Test func codeIsLiveUntilItIsRedeemedOrExpires() {
        let census = CodeCensus(lifetime: 60_000, now: Self.start)
        for _ in 0..<3 { census.issued(at: Self.start + 10) }
        #expect(Self.count(census, 20) == [3, 0])
        census.redeemed(issuedAt: Self.start + 10)
        #expect(Self.count(census, 59_000) == [2, 0])
        // A bucket is as exact as it gets, a thirty-second of the lifetime; answers may be late.
        #expect(Self.count(census, 63_000) == [0, 2])
        census.issued(at: Self.start + 70_000)
        #expect(Self.count(census, 70_000) == [1, 2])
        #expect(Self.count(census, 500_000) == [0, 3])
    }

    /// Whoever only reads may come long after the last folding, and before the first.
    @Test func readingIsSafeWhileNobodyFolds() {
        let census = CodeCensus(lifetime: 60_000, now: Self.start)
        census.issued(at: Self.start + 10)
        for (offset, live) in [(20, 1), (59_000, 1), (63_000, 0), (500_000, 0), (9_000_000, 0)] {
            let read = census.reading(now: Self.start + Milliseconds(offset))
            #expect(read.live == live && read.expired == 0, "after \(offset)")
        }
        #expect(Self.count(census, 500_000) == [0, 1])
        #expect(census.reading(now: Self.start + 500_000).expired == 1)
    }

    /// The ring comes round many times, and no code is lost or counted twice. What has expired never
    /// becomes less.
    @Test(arguments: [1 as Milliseconds, 1000, 60_000, 3_600_000])
    func nothingIsLostOverManyRounds(lifetime: Milliseconds) {
        let census = CodeCensus(lifetime: lifetime, now: Self.start)
        var time = Self.start
        var expired = 0
        for number in 0..<2000 {
            time += min(max(1, lifetime / 40), CodeCensus.foldMilliseconds)
            census.issued(at: time)
            if number % 2 == 0 { census.redeemed(issuedAt: time) }
            let count = census.count(now: time)
            #expect(count.expired >= expired)
            expired = count.expired
        }
        let count = census.count(now: time)
        let waiting = count.live + count.expired
        #expect(waiting <= 1000)
        time += 3 * lifetime + 5000
        while census.count(now: time).expired < 1000, time < Self.start + 1_000_000_000 {
            time += CodeCensus.foldMilliseconds
        }
        #expect(census.count(now: time).live == 0)
        #expect(census.count(now: time).expired == 1000)
    }

    /// Codes of the file that the last process made were not counted then.
    @Test func codesFromBeforeTheStartAreLeftOut() {
        let census = CodeCensus(lifetime: 60_000, now: Self.start)
        census.redeemed(issuedAt: Self.start - 1)
        #expect(Self.count(census, 1) == [0, 0])
    }

    /// One loop issues, another redeems, and a third thread reads.
    @Test func countsStayRightWhileLoopsCount() throws {
        let census = CodeCensus(lifetime: 10, now: Self.start)
        let clock = Atomic(Int(Self.start))
        let threads = try (0..<2).map { number in
            try Worker(owning: census, named: "count \(number)") { census in
                for _ in 0..<200_000 {
                    let time = Milliseconds(clock.load(ordering: .relaxed))
                    census.issued(at: time)
                    if number == 0 { census.redeemed(issuedAt: time) }
                }
            }
        }
        var expired = 0
        for step in 1...2000 {
            clock.add(3, ordering: .relaxed)
            let count = census.count(now: Self.start + Milliseconds(step) * 3)
            #expect(count.expired >= expired)
            expired = count.expired
        }
        for thread in threads { thread.join() }
    }
}
