// Rows that all live equally long, under identifiers that carry their issue time. They stand
// in buckets by that time: what expires leaves as whole buckets from the left edge, gives its
// memory back at once, and nothing is ever scanned.

struct ExpiringTable<Row: Identified> {
    struct Bucket {
        /// Issue time divided by the width of a bucket.
        let key: Milliseconds
        var rows = IdentifierTable<Row>()
    }

    /// How much issue time shares a bucket. Short, so that a bucket is quick to drop and to grow.
    private let bucketMilliseconds: Milliseconds
    /// From issue to being forgotten; nil: never.
    private let lifetime: Milliseconds?
    /// By ascending key, from `first` on; what stands before is empty.
    private var buckets: [Bucket] = []
    private var first = 0
    private(set) var count = 0

    init(bucketMilliseconds: Milliseconds, lifetime: Milliseconds?) {
        self.bucketMilliseconds = bucketMilliseconds
        self.lifetime = lifetime
    }

    /// The first bucket with this key or a later one. Most look-ups are for the last few seconds.
    private func position(_ key: Milliseconds) -> Int {
        if let last = buckets.last, last.key < key { return buckets.count }
        var (low, high) = (first, buckets.count)
        while low < high {
            let middle = (low + high) / 2
            if buckets[middle].key < key { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Where the rows issued together with `id` stand.
    private func index(_ id: Identifier) -> Int? {
        let key = id.issuedAt / bucketMilliseconds
        let index = position(key)
        return index < buckets.count && buckets[index].key == key ? index : nil
    }

    subscript(id: Identifier) -> Row? {
        guard let index = index(id), let position = buckets[index].rows.position(id) else {
            return nil
        }
        return buckets[index].rows.rows[position]
    }

    /// Adds a row, or puts it in the place of the old one.
    mutating func insert(_ row: consuming Row) {
        let key = row.id.issuedAt / bucketMilliseconds
        let index = position(key)
        if index == buckets.count || buckets[index].key != key {
            var bucket = Bucket(key: key)
            // As large as the one before is likely to become: growing step by step would move all
            // rows each time, in all tables at about the same moment.
            bucket.rows.reserve(index > first ? buckets[index - 1].rows.count : 0)
            buckets.insert(bucket, at: index)
        }
        let before = buckets[index].rows.count
        buckets[index].rows.insert(row)
        count += buckets[index].rows.count - before
    }

    /// Lets `body` look at the row and change it in place, all but its id, with one look-up.
    mutating func update<Result>(_ id: Identifier, _ body: (inout Row) -> Result) -> Result? {
        guard let index = index(id), let position = buckets[index].rows.position(id) else {
            return nil
        }
        return buckets[index].rows.update(position, body)
    }

    mutating func remove(_ id: Identifier) {
        guard let index = index(id), buckets[index].rows.remove(id) else { return }
        count -= 1
    }

    /// No row was issued earlier; nil: there is none.
    var oldest: Milliseconds? {
        first < buckets.count ? buckets[first].key * bucketMilliseconds : nil
    }

    /// When the oldest bucket may go, or nil.
    var nextExpiry: Milliseconds? {
        guard let lifetime, first < buckets.count else { return nil }
        return (buckets[first].key + 1) * bucketMilliseconds + lifetime
    }

    /// Takes the oldest bucket out if all in it has expired.
    mutating func removeExpiredBucket(now: Milliseconds) -> [Row]? {
        guard let next = nextExpiry, next <= now else { return nil }
        var removed = IdentifierTable<Row>()
        swap(&removed, &buckets[first].rows)
        first += 1
        // Amortised: the array is cut once half of it is past.
        if first > 32, first * 2 > buckets.count {
            buckets.removeFirst(first)
            first = 0
        }
        count -= removed.count
        return removed.rows
    }
}

extension AccessToken: Identified {}
extension CCGToken: Identified {}
extension UsedCode: Identified {}

extension StoredCode: Identified {
    var id: Identifier {
        switch self {
        case .unused(let code): code.id
        case .used(let code): code.id
        }
    }
}
