// The rule of the authority, to the millisecond: five requests in a row, or nobody answered for 30 s.

import Testing

@testable import Reports

@Suite struct OutageWatchTests {
    private let start: Int64 = 1_796_000_000_000

    @Test func fiveInARowAreAnOutageAndFourAreNot() {
        for (count, isOutage) in [(4, false), (5, true)] {
            var watch = OutageWatch(run: 7)
            for number in 0..<Int64(count) {
                let at = start + number * 10
                watch.failed(.tokens, began: at, at: at + 3)
            }
            #expect(watch.outages.count == (isOutage ? 1 : 0))
            watch.succeeded(.tokens, at: start + 500)
            #expect(!watch.isFailing(.tokens))
            #expect(
                watch.outages
                    == (isOutage
                        ? [
                            Outage(
                                run: 7, endpoint: .tokens, startedAt: start, endedAt: start + 500,
                                failed: 5, cause: "unknown")
                        ] : []))
        }
    }

    @Test func oneAnswerInBetweenBeginsAnew() {
        var watch = OutageWatch(run: 1)
        for number in 0..<20 {
            watch.failed(.codes, began: start, at: start)
            if number % 4 == 3 { watch.succeeded(.codes, at: start + 1) }
        }
        #expect(watch.outages.isEmpty)
        for _ in 0..<5 { watch.failed(.codes, began: start, at: start) }
        // What is answered elsewhere does not count here.
        watch.succeeded(.tokens, at: start + 9)
        #expect(watch.outages.map(\.endpoint) == [.codes])
    }

    @Test func nobodyAnsweredForThirtySecondsIsAnOutage() {
        for (milliseconds, isOutage) in [(29_999, false), (30_000, true)] as [(Int64, Bool)] {
            var watch = OutageWatch(run: 1)
            watch.failed(.tokens, began: start, at: start)
            watch.failed(.tokens, began: start, at: start + milliseconds)
            watch.succeeded(.tokens, at: start + 60_000)
            #expect(watch.outages.map(\.failed) == (isOutage ? [2] : []))
        }
    }

    @Test func aStoreThatIsAwayForThirtySecondsIsAnOutageThoughNobodyAsks() {
        for (seconds, isOutage) in [(29, false), (30, true)] as [(Int64, Bool)] {
            var watch = OutageWatch(run: 1)
            watch.look(storeSilence: nil, at: start - 1000)
            for second in 0...seconds {
                watch.look(storeSilence: 0, at: start + second * 1000)
            }
            for second in seconds + 1...seconds + 4 {
                watch.look(storeSilence: nil, at: start + second * 1000)
            }
            #expect(watch.outages.count == (isOutage ? 5 : 0), "\(seconds) s")
        }
    }

    /// A database that is lost is missed after 2 s: it was down before, whoever has asked.
    @Test func anOutageBeginsWithTheLastAnswerOfTheStore() {
        var watch = OutageWatch(run: 1)
        watch.look(storeSilence: nil, at: start - 1000)
        watch.failed(.codes, began: start + 1500, at: start + 2200)
        for second in Int64(0)..<60 {
            let now = start + 2300 + second * 1000
            watch.look(storeSilence: 2300 + second * 1000, at: now)
            watch.succeeded(.introspection, at: now)
        }
        let found = watch.outages.filter { $0.endpoint != .introspection }
        #expect(found.count == 4 && found.allSatisfy { $0.startedAt == start })
        #expect(watch.outages.count == 4, "what is read was never down for long")
    }

    /// A store that takes no changes may still be read.
    @Test func whatSucceedsMeanwhileIsNotDown() {
        var watch = OutageWatch(run: 1)
        for second in Int64(0)..<60 {
            watch.look(storeSilence: 0, at: start + second * 1000)
            #expect(watch.isFailing(.introspection))
            if second % 20 == 0 { watch.succeeded(.introspection, at: start + second * 1000) }
        }
        watch.look(storeSilence: nil, at: start + 60_000)
        // Not yet: it may be gone again.
        #expect(watch.isFailing(.tokens))
        watch.look(storeSilence: nil, at: start + 62_500)
        #expect(
            watch.outages.map(\.endpoint) == [.tokens, .codes, .consents, .revocation])
        #expect(!watch.isFailing(.tokens))
    }

    @Test func sevenMinutesAreReportedToTheSecond() {
        var watch = OutageWatch(run: 1)
        watch.storeSaid(
            "the store does not take changes: disk is full; requests get 503", at: start)
        for second in Int64(0)..<420 {
            watch.look(storeSilence: 0, at: start + second * 1000 + 500)
            watch.failed(.tokens, began: start + second * 1000, at: start + second * 1000 + 2)
        }
        #expect(watch.outages.count == 5)
        #expect(watch.outages.allSatisfy { $0.endedAt == nil })
        watch.storeSaid("the store takes changes again", at: start + 420_000)
        watch.look(storeSilence: nil, at: start + 420_000)
        watch.look(storeSilence: nil, at: start + 422_500)
        let ofTokens = watch.outages.first { $0.endpoint == .tokens }
        #expect(ofTokens?.startedAt == start && ofTokens?.endedAt == start + 420_000)
        #expect(ofTokens?.failed == 420)
        #expect(ofTokens?.cause == "the store does not take changes: disk is full")
        let written = watch.outages
        watch.forget(written)
        #expect(watch.outages.isEmpty)
    }

    @Test func aProcessThatStoodStillWasDown() {
        for (seconds, isOutage) in [(29, false), (30, true)] as [(Int64, Bool)] {
            var watch = OutageWatch(run: 1)
            watch.look(storeSilence: nil, at: start)
            watch.look(storeSilence: nil, at: start + seconds * 1000)
            #expect(watch.outages.isEmpty != isOutage)
        }
    }

    @Test func whatWaitsIsBounded() {
        var watch = OutageWatch(run: 1)
        for number in Int64(0)..<3000 {
            for _ in 0..<5 { watch.failed(.tokens, began: start + number, at: start + number) }
            watch.succeeded(.tokens, at: start + number + 1)
        }
        #expect(watch.outages.count == 1000)
        #expect(watch.outages.reduce(0) { $0 + $1.failed } == 15_000)
        #expect(watch.outages.last?.endedAt == start + 3000)
    }
}
