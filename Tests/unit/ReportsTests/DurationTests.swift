// Durations by bucket: nothing falls between two of them, and no bucket is wider than it says.

import Testing

@testable import Reports

@Suite struct DurationTests {
    @Test func everyDurationLiesInItsBucket() {
        var value = 0
        while value < 1 << 32 {
            let bucket = DurationBuckets.bucket(of: value)
            #expect(value <= DurationBuckets.limit(of: bucket))
            #expect(bucket == 0 || value > DurationBuckets.limit(of: bucket - 1))
            value += max(1, value / 97)
        }
    }

    @Test func limitsGrowByAnEighthAtTheMost() {
        for bucket in 1..<DurationBuckets.count {
            let (low, high) = (
                DurationBuckets.limit(of: bucket - 1), DurationBuckets.limit(of: bucket)
            )
            #expect(high > low)
            #expect((high - low) * 8 <= max(8, high))
        }
        #expect(DurationBuckets.bucket(of: .max) == DurationBuckets.count - 1)
        #expect(DurationBuckets.limit(of: DurationBuckets.count - 1) == 1 << 32 - 1)
    }

    @Test func countsComeBackFromTheirBytes() {
        let seed = UInt64.random(in: 1...UInt64.max)
        var chance = seed
        for _ in 0..<100 {
            var counts = DurationCounts()
            for _ in 0..<Int(chance >> 58) {
                chance = chance &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                counts.add(Int(chance >> (32 + chance % 30)), times: Int(chance >> 40))
            }
            chance = chance &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            var read = DurationCounts()
            let isRead = read.add(encoded: counts.encoded)
            #expect(isRead && read == counts, "seed \(seed)")
        }
    }

    @Test(arguments: [[0x80], [0], [240, 1, 1], [239, 1, 1, 1], [0, 0x80], [0xFF, 0xFF, 1]])
    func brokenBytesAreRefused(bytes: [UInt8]) {
        var counts = DurationCounts()
        let isRead = counts.add(encoded: bytes)
        #expect(!isRead)
    }

    @Test func quantilesAreNeverTooShort() {
        var counts = DurationCounts()
        #expect(counts.quantile(perMille: 500) == nil)
        for value in 1...1000 { counts.add(value * 100) }
        for (perMille, exact) in [(500, 50_000), (950, 95_000), (990, 99_000), (1000, 100_000)] {
            let found = counts.quantile(perMille: perMille) ?? 0
            #expect(found >= exact && found - exact <= exact / 8, "\(perMille): \(found)")
        }
        var one = DurationCounts()
        one.add(7)
        #expect(one.quantile(perMille: 1) == 7 && one.quantile(perMille: 990) == 7)
    }
}
