// The throttle of failed attempts, with time injected.

import Synchronization
import Testing
import UV

@testable import Tokens

private final class Counter: Sendable {
    private let count = Atomic(0)
    var value: Int { count.load(ordering: .relaxed) }
    func add() { count.add(1, ordering: .relaxed) }
}

@Suite struct FailureThrottleTests {
    private static let start: Milliseconds = 1_795_719_182_123

    private static func throttle(
        burst: Int64 = 20, perSecond: Int64 = 1, buckets: Int = 1024, seed: UInt8 = 7
    ) -> FailureThrottle {
        var limits = FailureThrottle.Limits()
        limits.client = .init(burst: burst, perSecond: perSecond)
        limits.buckets = buckets
        return FailureThrottle(limits: limits) { bytes in
            for index in bytes.indices { bytes[index] = seed &+ UInt8(index) }
        }
    }

    private static let key = Array("api-consumer-id".utf8)

    /// Empties a key's bucket.
    private func exhaust(_ throttle: FailureThrottle, _ burst: Int64, now: Milliseconds) {
        for _ in 0..<burst { #expect(throttle.failed(.client, Self.key, now: now) == nil) }
    }

    @Test(arguments: [1, 2, 20, 1000])
    func burstPassesAndTheNextWaits(burst: Int64) {
        let throttle = Self.throttle(burst: burst)
        exhaust(throttle, burst, now: Self.start)
        for _ in 0..<3 {
            #expect(throttle.failed(.client, Self.key, now: Self.start) == 1000)
        }
    }

    /// Rate, and after how many milliseconds one more passes.
    @Test(arguments: [(1, 1000), (2, 500), (3, 334), (7, 143), (10, 100), (1000, 1), (1001, 1)])
    func oneMorePassesToTheMillisecond(perSecond: Int64, wait: Milliseconds) {
        let throttle = Self.throttle(burst: 5, perSecond: perSecond)
        exhaust(throttle, 5, now: Self.start)
        #expect(throttle.failed(.client, Self.key, now: Self.start) == wait)
        if wait > 1 {
            #expect(throttle.failed(.client, Self.key, now: Self.start + wait - 1) == 1)
        }
        #expect(throttle.failed(.client, Self.key, now: Self.start + wait) == nil)
    }

    @Test func whatWasRefusedCostsNothing() {
        let throttle = Self.throttle()
        exhaust(throttle, 20, now: Self.start)
        for elapsed in Milliseconds(0)..<1000 {
            #expect(
                throttle.failed(.client, Self.key, now: Self.start + elapsed) == 1000 - elapsed)
        }
        #expect(throttle.failed(.client, Self.key, now: Self.start + 1000) == nil)
        #expect(throttle.failed(.client, Self.key, now: Self.start + 1000) == 1000)
    }

    @Test func bucketFillsToItsBurstAndNoFurther() {
        let throttle = Self.throttle()
        exhaust(throttle, 20, now: Self.start)
        let later = Self.start + 365 * 86_400_000
        exhaust(throttle, 20, now: later)
        #expect(throttle.failed(.client, Self.key, now: later) == 1000)
    }

    /// A rate that does not divide a second, over many: neither more nor less than it says.
    @Test func nothingDrifts() {
        let throttle = Self.throttle(burst: 1, perSecond: 7)
        var passed = 0
        for elapsed in Milliseconds(0)..<100_000
        where throttle.failed(.client, Self.key, now: Self.start + elapsed) == nil {
            passed += 1
        }
        // 7 in each second and one, less what waiting for a whole millisecond costs:
        // a bucket of one cannot save the rest of a millisecond.
        #expect(passed == 100_000 / 143 + 1)
        let roomy = Self.throttle(burst: 2, perSecond: 7)
        passed = 0
        for elapsed in Milliseconds(0)..<100_000
        where roomy.failed(.client, Self.key, now: Self.start + elapsed) == nil {
            passed += 1
        }
        #expect(passed == 7 * 100 + 1)
    }

    @Test func kindsAndKeysAreIndependent() {
        let throttle = Self.throttle(burst: 3)
        exhaust(throttle, 3, now: Self.start)
        #expect(throttle.failed(.client, Self.key, now: Self.start) != nil)
        #expect(throttle.failed(.address, Self.key, now: Self.start) == nil)
        #expect(throttle.failed(.code, Self.key, now: Self.start) == nil)
        var shared = 0
        for number in 0..<100 {
            let other = Array("client-\(number)".utf8)
            if throttle.failed(.client, other, now: Self.start) != nil { shared += 1 }
        }
        // One in 1,024 keys meets the first; with this seed none of these does.
        #expect(shared == 0)
        #expect(throttle.failed(.client, [], now: Self.start) == nil, "a key may be empty")
    }

    @Test func defaultsAreThoseOfTheDocumentation() {
        let throttle = FailureThrottle { _ in }
        for (kind, burst, wait) in [
            (FailureThrottle.Kind.client, 20, Milliseconds(1000)), (.address, 100, 100),
            (.site, 1000, 10), (.code, 20, 1000),
        ] {
            for _ in 0..<burst {
                #expect(throttle.failed(kind, Self.key, now: Self.start) == nil)
            }
            #expect(throttle.failed(kind, Self.key, now: Self.start) == wait)
        }
    }

    @Test func whichKeysMeetDependsOnTheSeed() {
        func meeting(_ seed: UInt8) -> [Int] {
            let throttle = Self.throttle(burst: 1, buckets: 64, seed: seed)
            exhaust(throttle, 1, now: Self.start)
            return (0..<1000).filter { number in
                let other = Self.throttle(burst: 1, buckets: 64, seed: seed)
                _ = other.failed(.client, Self.key, now: Self.start)
                return other.failed(.client, Array("\(number)".utf8), now: Self.start) != nil
            }
        }
        let (one, other) = (meeting(1), meeting(101))
        #expect(!one.isEmpty && one.count < 60)
        #expect(one != other)
        #expect(one == meeting(1))
    }

    @Test(arguments: [1, 64, 8192])
    func memoryIsFixedWhateverKeysCome(buckets: Int) {
        let throttle = Self.throttle(buckets: buckets)
        #expect(throttle.bucketCount == buckets * FailureThrottle.Kind.allCases.count)
        for number in 0..<20_000 {
            _ = throttle.failed(.client, Array("\(number)".utf8), now: Self.start)
        }
        #expect(throttle.bucketCount == buckets * FailureThrottle.Kind.allCases.count)
    }

    @Test(arguments: [1, 999, 1000, 86_400_000, start, Milliseconds.max / 2])
    func clockThatGoesBackIsHarmless(step: Milliseconds) {
        let throttle = Self.throttle()
        _ = throttle.failed(.client, Self.key, now: Self.start)
        let earlier = Self.start - step
        let wait = throttle.failed(.client, Self.key, now: earlier)
        #expect((wait ?? 1) <= 1000, "never longer than for one failure")
        let base = max(0, earlier)
        #expect(throttle.failed(.client, Self.key, now: base + 1000) == nil)
    }

    @Test(arguments: [Milliseconds.min, -1, 0, 1 << 42, .max])
    func noTimeTraps(now: Milliseconds) {
        let throttle = Self.throttle(burst: 1_000_000, perSecond: 1_000_000)
        #expect(throttle.failed(.client, Self.key, now: now) == nil)
    }

    /// Whatever order threads come in, no more than the burst passes.
    @Test func threadsShareTheAllowance() throws {
        let throttle = Self.throttle(burst: 500)
        let passed = Counter()
        let workers = try (0..<4).map { _ in
            try Worker(owning: throttle, named: "test") { throttle in
                for _ in 0..<1000
                where throttle.failed(.client, Self.key, now: Self.start) == nil {
                    passed.add()
                }
            }
        }
        for worker in workers { worker.join() }
        #expect(passed.value == 500)
    }

    /// A bucket that is filled step by step, in thousandths of a failure.
    private struct Model {
        let burst: Int64
        let perSecond: Int64
        var level: Int64
        var at: Milliseconds

        mutating func failed(_ now: Milliseconds) -> Milliseconds? {
            level = min(burst * 1000, level + (now - at) * perSecond)
            at = now
            if level >= 1000 {
                level -= 1000
                return nil
            }
            var wait: Milliseconds = 0
            while level + wait * perSecond < 1000 { wait += 1 }
            return wait
        }
    }

    /// OBIE_SEED repeats it.
    @Test func randomAttemptsAgreeWithASimpleModel() {
        let seed = Seed.value
        print("FailureThrottleTests: OBIE_SEED=\(seed)")
        var random = Seed(state: seed)
        for _ in 0..<200 {
            let (burst, perSecond) = (Int64(random.next(50)) + 1, Int64(random.next(30)) + 1)
            let throttle = Self.throttle(burst: burst, perSecond: perSecond)
            var now = Self.start
            var model = Model(
                burst: burst, perSecond: perSecond, level: burst * 1000, at: now)
            for step in 0..<500 {
                now += Milliseconds(random.next(4) == 0 ? random.next(3000) : random.next(20))
                let (expected, found) = (
                    model.failed(now), throttle.failed(.client, Self.key, now: now)
                )
                guard found == expected else {
                    Issue.record("\(String(describing: found)), seed \(seed), step \(step)")
                    return
                }
            }
        }
    }
}
