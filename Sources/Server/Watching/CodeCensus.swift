// How many codes wait to be redeemed, and how many nobody came for.

import Synchronization
import Tokens

/// Codes issued and redeemed, by when they were issued. One for all loops: a code may be issued on one
/// and redeemed on another.
///
/// A ring of buckets, each for a stretch of time. Any loop counts; the main thread alone takes what has
/// expired out of it, which must be often enough (`foldMilliseconds`). So what has been counted as
/// expired never becomes less.
final class CodeCensus: Sendable {
    private static let size = 64
    /// How long after its end a bucket may still change: an answer may be late.
    private static let slackMilliseconds: Milliseconds = 1000
    /// No bucket is for less, so that the ring never comes round between two foldings.
    private static let widthMin: Milliseconds = 250
    /// How often `fold` must be called at least.
    static let foldMilliseconds: Milliseconds = 5000

    /// Issued less redeemed.
    private let buckets: InlineArray<64, Atomic<Int>>
    private let lifetime: Milliseconds
    private let width: Milliseconds
    /// Codes from before, which a file may still have, were not counted when they were issued.
    private let since: Milliseconds
    private let expired = Atomic(0)
    /// The first bucket that has not been folded, by its number since 1970.
    private let oldest: Atomic<Int>

    init(lifetime: Milliseconds, now: Milliseconds) {
        self.lifetime = lifetime
        width = max(CodeCensus.widthMin, lifetime / 32)
        since = now
        oldest = Atomic(Int(now / width))
        buckets = InlineArray { _ in Atomic(0) }
    }

    /// Any loop.
    func issued(at time: Milliseconds) { add(1, time) }

    /// Any loop.
    func redeemed(issuedAt time: Milliseconds) {
        if time >= since { add(-1, time) }
    }

    private func add(_ amount: Int, _ time: Milliseconds) {
        let number = Int(time / width)
        // Of a clock that was set back; a code this old is not redeemed.
        guard number >= oldest.load(ordering: .relaxed) else { return }
        buckets[number % CodeCensus.size].add(amount, ordering: .relaxed)
    }

    /// Counts what has expired. The main thread.
    func fold(now: Milliseconds) {
        let end = Int((now - lifetime - CodeCensus.slackMilliseconds) / width)
        var number = oldest.load(ordering: .relaxed)
        // After a jump of the clock each place of the ring is visited once.
        number = max(number, end - CodeCensus.size)
        while number < end {
            oldest.store(number + 1, ordering: .relaxed)
            let count = buckets[number % CodeCensus.size].exchange(0, ordering: .relaxed)
            expired.add(max(0, count), ordering: .relaxed)
            number += 1
        }
    }

    /// Codes that are unused and in time, also where their consent was withdrawn, and those that nobody came for. The main thread.
    func count(now: Milliseconds) -> (live: Int, expired: Int) {
        fold(now: now)
        return reading(now: now)
    }

    /// The same as of the last folding, which may be long ago where the main thread stands still. Any
    /// thread.
    func reading(now: Milliseconds) -> (live: Int, expired: Int) {
        // Those between the oldest and these have expired, but may still change.
        let oldest = oldest.load(ordering: .relaxed)
        let end = oldest + CodeCensus.size
        let first = min(max(oldest, Int((now - lifetime) / width)), end)
        var live = 0
        for number in first..<end {
            live += buckets[number % CodeCensus.size].load(ordering: .relaxed)
        }
        return (max(0, live), expired.load(ordering: .relaxed))
    }
}
