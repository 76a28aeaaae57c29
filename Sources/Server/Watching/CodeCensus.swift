// How many codes wait to be redeemed, and how many nobody came for.

import Metrics
import Tokens

/// Codes issued and redeemed, by when they were issued. One for each loop; a code may be issued on
/// one loop and redeemed on another, so only the sum over all loops means something.
///
/// A ring of buckets that together are a little longer than a code lives. Written on the loop's
/// thread; any thread reads, and may be wrong by what happens meanwhile.
struct CodeCensus: ~Copyable, Sendable {
    private static let size = 64
    private struct Bucket: ~Copyable, Sendable {
        /// Which stretch of time it is for.
        let number = Counter()
        /// Issued less redeemed.
        let waiting = Counter()
    }

    private let buckets: InlineArray<64, Bucket>
    private let expired = Counter()
    private let lifetime: Milliseconds
    private let width: Milliseconds
    /// Codes from before, which a file may still have, were not counted when they were issued.
    private let since: Milliseconds

    init(lifetime: Milliseconds, now: Milliseconds) {
        self.lifetime = lifetime
        // Two spare: the oldest and the newest bucket are not whole.
        width = max(
            1, (lifetime + Milliseconds(CodeCensus.size) - 3) / Milliseconds(CodeCensus.size - 2))
        since = now
        buckets = InlineArray { _ in Bucket() }
    }

    func issued(at time: Milliseconds) { add(1, time) }

    func redeemed(issuedAt time: Milliseconds) {
        if time >= since { add(-1, time) }
    }

    private func add(_ amount: Int, _ time: Milliseconds) {
        let number = Int(time / width)
        let index = number % CodeCensus.size
        let held = buckets[index].number.value
        if held != number {
            // Of a clock that was set back; a code this old is not redeemed.
            guard held < number else { return }
            expired.add(buckets[index].waiting.value)
            buckets[index].waiting.set(0)
            buckets[index].number.set(number)
        }
        buckets[index].waiting.add(amount)
    }

    func count(now: Milliseconds) -> (live: Int, expired: Int) {
        let oldest = Int((now - lifetime) / width)
        var count = (live: 0, expired: expired.value)
        for index in buckets.indices {
            let waiting = buckets[index].waiting.value
            if buckets[index].number.value >= oldest {
                count.live += waiting
            } else {
                count.expired += waiting
            }
        }
        return count
    }
}
