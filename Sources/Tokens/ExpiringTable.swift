// Values that all live equally long, keyed by identifiers that carry their issue time. They stand
// in buckets by that time: what expires leaves as whole buckets from the left edge, gives its
// memory back at once, and nothing is ever scanned.

struct ExpiringTable<Value> {
    /// How much issue time shares a bucket. Short, so that a bucket is quick to drop.
    private let bucketMilliseconds: Milliseconds
    /// From issue to being forgotten; nil: never.
    private let lifetime: Milliseconds?
    private var buckets: [Milliseconds: [Identifier: Value]] = [:]
    /// The keys of `buckets` in ascending order, from `first` on.
    private var order: [Milliseconds] = []
    private var first = 0
    private(set) var count = 0

    init(bucketMilliseconds: Milliseconds, lifetime: Milliseconds?) {
        self.bucketMilliseconds = bucketMilliseconds
        self.lifetime = lifetime
    }

    private func bucket(of id: Identifier) -> Milliseconds {
        id.issuedAt / bucketMilliseconds
    }

    subscript(id: Identifier) -> Value? {
        buckets[bucket(of: id)]?[id]
    }

    mutating func insert(_ value: Value, _ id: Identifier) {
        let key = bucket(of: id)
        if buckets[key] == nil {
            buckets[key] = [:]
            insertIntoOrder(key)
        }
        if buckets[key]?.updateValue(value, forKey: id) == nil { count += 1 }
    }

    /// At the end but where the clock has stepped back.
    private mutating func insertIntoOrder(_ key: Milliseconds) {
        var index = order.count
        while index > first, order[index - 1] > key { index -= 1 }
        order.insert(key, at: index)
    }

    @discardableResult
    mutating func remove(_ id: Identifier) -> Value? {
        guard let value = buckets[bucket(of: id)]?.removeValue(forKey: id) else { return nil }
        count -= 1
        return value
    }

    /// When the oldest bucket may go, or nil.
    var nextExpiry: Milliseconds? {
        guard let lifetime, first < order.count else { return nil }
        return (order[first] + 1) * bucketMilliseconds + lifetime
    }

    /// Takes the oldest bucket out if all in it has expired.
    mutating func removeExpiredBucket(now: Milliseconds) -> [Identifier: Value]? {
        guard let next = nextExpiry, next <= now else { return nil }
        let bucket = buckets.removeValue(forKey: order[first])
        first += 1
        // Amortised: the array is cut once half of it is past.
        if first > 32, first * 2 > order.count {
            order.removeFirst(first)
            first = 0
        }
        count -= bucket?.count ?? 0
        return bucket
    }
}
