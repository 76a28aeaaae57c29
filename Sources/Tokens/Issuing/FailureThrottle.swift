// How many failed attempts are answered at their face value (RFC 6749 §2.3.1). Decides nothing about
// attempts that succeed; knows no clock.

import Synchronization

/// Token buckets that failed attempts draw from. Any thread; shared by all loops.
///
/// It is asked only once an attempt *has failed*, and decides whether the client is told why, or
/// told to wait. An attempt with the right credentials is never refused here, so nobody can lock
/// anybody else out. That is also why the memory can be fixed: which bucket a key draws from is
/// a keyed hash modulo the size of the table, and keys that share a bucket share an allowance of
/// failures, which harms nobody who does not fail. An attacker can bring any number of keys, and
/// cannot make the table grow, nor aim at another's bucket without the seed.
public final class FailureThrottle: Sendable {
    /// What a failure is counted by. Each has buckets of its own.
    public enum Kind: Int, CaseIterable, Sendable {
        /// A client id, as given: failed authentication.
        case client
        /// The address that the attempt came from: failed authentication.
        case address
        /// The site that the address is of, where one has many: failed authentication.
        case site
        /// An authenticated client's id: codes that were refused.
        case code
    }

    /// How many failures of a key pass.
    public struct Allowance: Sendable {
        /// At once, after a quiet time: 1 to 1,000,000.
        public let burst: Int64
        /// For good: 1 to 1,000,000.
        public let perSecond: Int64

        public init(burst: Int64, perSecond: Int64) {
            let range = Int64(1)...1_000_000
            precondition(range.contains(burst) && range.contains(perSecond))
            self.burst = burst
            self.perSecond = perSecond
        }
    }

    public struct Limits: Sendable {
        public var client = Allowance(burst: 20, perSecond: 1)
        public var address = Allowance(burst: 100, perSecond: 10)
        public var site = Allowance(burst: 1000, perSecond: 100)
        public var code = Allowance(burst: 20, perSecond: 1)
        /// Of each kind; 8 bytes each.
        public var buckets = 8192

        public init() {}

        subscript(_ kind: Kind) -> Allowance {
            switch kind {
            case .client: client
            case .address: address
            case .site: site
            case .code: code
            }
        }
    }

    // A bucket is the time at which it will be full again, in ticks of 1/perSecond milliseconds,
    // so that a failure costs 1000 ticks whatever the rate, and nothing is ever rounded.
    private static let failureTicks: Int64 = 1000

    private let limits: Limits
    private let hash: KeyedHash
    private let fullAt: Mutex<[Int64]>

    public static let seedBytes = 16

    /// - Parameter random: overwrites the whole array with unpredictable bytes.
    public init(limits: Limits = Limits(), random: (inout [UInt8]) -> Void) {
        precondition(limits.buckets > 0)
        var seed = [UInt8](repeating: 0, count: FailureThrottle.seedBytes)
        random(&seed)
        hash = KeyedHash(key: seed.span)
        self.limits = limits
        fullAt = Mutex(
            [Int64](repeating: .min, count: limits.buckets * Kind.allCases.count))
    }

    /// Counts a failed attempt.
    ///
    /// - Parameter now: where the clock goes back, a bucket is at worst as good as empty.
    /// - Returns: nil where the failure is within the allowance; otherwise how long to wait until
    ///   one is again, at least 1 and at most `1000 / perSecond` rounded up. What is over the
    ///   allowance costs nothing, so whoever waits that long is within it.
    public func failed(_ kind: Kind, _ key: [UInt8], now: Milliseconds) -> Milliseconds? {
        let allowance = limits[kind]
        let cost = FailureThrottle.failureTicks
        let capacity = allowance.burst * cost
        let nowTicks = FailureThrottle.clamped(now) * allowance.perSecond
        let index = bucket(kind, key)
        return fullAt.withLock { fullAt in
            // Past: it is full. Further ahead than its capacity: the clock went back.
            let full = min(max(fullAt[index], nowTicks), nowTicks + capacity)
            let missing = full + cost - (nowTicks + capacity)
            if missing <= 0 {
                fullAt[index] = full + cost
                return nil
            }
            fullAt[index] = full
            return (missing + allowance.perSecond - 1) / allowance.perSecond
        }
    }

    /// The table's size in memory: it never changes.
    var bucketCount: Int { fullAt.withLock { $0.count } }

    /// Times beyond these would overflow as ticks: the years 1970 to 2109.
    private static func clamped(_ now: Milliseconds) -> Milliseconds {
        min(max(now, 0), 1 << 42)
    }

    /// Nobody without the seed can tell which keys meet.
    private func bucket(_ kind: Kind, _ key: [UInt8]) -> Int {
        var hash = hash
        hash.take(key.span)
        let number = Int(hash.finished().0 % UInt64(limits.buckets))
        return kind.rawValue * limits.buckets + number
    }
}
