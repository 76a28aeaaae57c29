// How many codes are live and expired, with the clock in hand.

import Testing
import Tokens

@testable import Server

@Suite struct CodeCensusTests {
    private static let start: Milliseconds = 1_000_000_000

    private static func count(_ census: borrowing CodeCensus, _ offset: Milliseconds) -> [Int] {
        let count = census.count(now: start + offset)
        return [count.live, count.expired]
    }

    @Test func codeIsLiveUntilItIsRedeemedOrExpires() {
        let census = CodeCensus(lifetime: 60_000, now: Self.start)
        for _ in 0..<3 { census.issued(at: Self.start + 10) }
        #expect(Self.count(census, 20) == [3, 0])
        census.redeemed(issuedAt: Self.start + 10)
        #expect(Self.count(census, 59_000) == [2, 0])
        // A bucket is as exact as it gets: a sixtieth of the lifetime.
        #expect(Self.count(census, 62_000) == [0, 2])
        census.issued(at: Self.start + 70_000)
        #expect(Self.count(census, 70_000) == [1, 2])
        #expect(Self.count(census, 500_000) == [0, 3])
    }

    /// The ring comes round many times, and no code is lost or counted twice.
    @Test(arguments: [1 as Milliseconds, 1000, 60_000, 3_600_000])
    func nothingIsLostOverManyRounds(lifetime: Milliseconds) {
        let census = CodeCensus(lifetime: lifetime, now: Self.start)
        var time = Self.start
        let step = max(1, lifetime / 40)
        for number in 0..<1000 {
            time += step
            census.issued(at: time)
            if number % 2 == 0 { census.redeemed(issuedAt: time) }
        }
        let count = census.count(now: time)
        #expect(count.live + count.expired == 500)
        #expect(census.count(now: time + 3 * lifetime + 10).expired == 500)
    }

    @Test func loopsAreAddedUp() {
        let one = LoopMetrics(codeLifetime: 60_000, now: Self.start)
        let other = LoopMetrics(codeLifetime: 60_000, now: Self.start)
        one.noteCodeIssued(at: Self.start)
        one.noteCodeIssued(at: Self.start)
        other.noteCodeRedeemed(issuedAt: Self.start)
        let count = LoopMetrics.codes([one, other], now: Self.start + 5)
        #expect(count.live == 1 && count.expired == 0)
    }

    /// Codes of the file that the last process made were not counted then.
    @Test func codesFromBeforeTheStartAreLeftOut() {
        let census = CodeCensus(lifetime: 60_000, now: Self.start)
        census.redeemed(issuedAt: Self.start - 1)
        #expect(Self.count(census, 1) == [0, 0])
    }
}
