// Chance that can be repeated.

import Foundation

/// A linear congruential generator.
struct Seed {
    var state: UInt64

    /// From OBIE_SEED, or a new one.
    static var value: UInt64 {
        ProcessInfo.processInfo.environment["OBIE_SEED"].flatMap { UInt64($0) }
            ?? UInt64.random(in: 0...UInt64.max)
    }

    /// Below `bound`.
    mutating func next(_ bound: UInt64) -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state >> 33) % bound
    }
}
