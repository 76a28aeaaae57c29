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

    /// Else the row that was written would never end.
    @Test func startThatIsWrittenDownStays() {
        var watch = OutageWatch(run: 1)
        watch.look(storeSilence: nil, at: start)
        for _ in 0..<5 { watch.failed(.tokens, began: start + 100, at: start + 200) }
        let written = watch.outagesToWrite()
        #expect(written.map(\.startedAt) == [start + 100])
        // It hung for longer than the others.
        watch.failed(.tokens, began: start + 50, at: start + 300)
        watch.look(storeSilence: nil, at: start + 1000)
        #expect(watch.outages.map(\.startedAt) == [start + 100])
        watch.succeeded(.tokens, at: start + 1500)
        #expect(watch.outages.map(\.startedAt) == [start + 100])
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

    /// Looks once a second, and fails at the named seconds.
    private func watched(
        _ seconds: ClosedRange<Int64>, failures: [Int64], away: [ClosedRange<Int64>] = []
    ) -> OutageWatch {
        var watch = OutageWatch(run: 1)
        for second in seconds {
            let now = start + second * 1000
            let isAway = away.contains { $0.contains(second) }
            watch.look(storeSilence: isAway ? 0 : nil, at: now)
            if failures.contains(second) {
                watch.failed(.consents, began: now + 200, at: now + 300)
            }
        }
        return watch
    }

    /// Each was a moment in which the store took nothing, too short to be seen.
    @Test func failuresFarApartAreNoOutageUntilTheyAreFive() {
        let failures: [Int64] = [0, 46, 3600, 3700, 9000]
        #expect(watched(-9...60, failures: failures).outages.isEmpty)
        var four = watched(-9...8999, failures: failures)
        #expect(four.outages.isEmpty)
        four.succeeded(.consents, at: start + 8_999_500)
        four.failed(.consents, began: start + 9_000_000, at: start + 9_000_000)
        #expect(four.outages.isEmpty)
        let five = watched(-9...9001, failures: failures)
        #expect(
            five.outages == [
                Outage(
                    run: 1, endpoint: .consents, startedAt: start + 200, endedAt: nil, failed: 5,
                    cause: "unknown")
            ])
    }

    /// A store that was seen away in between has answered nobody.
    @Test func aStoreThatRecoversDoesNotBreakARow() {
        let watch = watched(
            -9...3701, failures: [0, 46, 3600, 3700, 3701], away: [0...9, 46...47, 3600...3601])
        #expect(watch.outages.map(\.startedAt) == [start])
        #expect(watch.outages.map(\.failed) == [5])
    }

    @Test func onlyTimeInWhichNobodyCanHaveBeenAnsweredCounts() {
        let away = watched(-9...145, failures: [0], away: [110...141])
        #expect(away.outages.count == 5)
        #expect(away.outages.allSatisfy { $0.startedAt == start + 110_000 })
        #expect(away.outages.allSatisfy { $0.endedAt == start + 142_000 })
        #expect(watched(-9...99, failures: [5, 45], away: [0...28, 39...49]).outages.isEmpty)
        // A store that flaps: three seconds are not enough to believe it.
        let flapping = watched(-9...99, failures: [5, 45], away: [0...28, 31...40])
        #expect(flapping.outages.map(\.startedAt) == Array(repeating: start, count: 5))
    }

    /// It may have waited for its own client, and others were answered meanwhile.
    @Test func oneSlowRequestIsNoOutage() {
        var watch = watched(-9...60, failures: [])
        watch.failed(.tokens, began: start + 20_000, at: start + 60_500)
        #expect(watch.outages.isEmpty)
    }

    /// A store has both as rows, by start.
    @Test func anOutageKeepsTheStartThatHasBeenSeen() {
        var watch = watched(0...31, failures: [], away: [0...31])
        watch.failed(.tokens, began: start - 500, at: start + 31_500)
        #expect(watch.outages.allSatisfy { $0.startedAt == start })
    }

    @Test func aStopEndsAnOutageWhenTheStoreWasAvailableAgain() {
        for (lastAway, end) in [(40, 41_000), (41, 42_500)] as [(Int64, Int64)] {
            var watch = watched(-9...41, failures: [], away: [0...lastAway])
            watch.ended(at: start + 42_500)
            #expect(watch.outages.map(\.endedAt) == Array(repeating: start + end, count: 5))
        }
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
