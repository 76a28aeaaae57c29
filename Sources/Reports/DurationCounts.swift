// How often a request took how long, as stores keep it and reports add it up.

/// Counts by bucket. A value.
public struct DurationCounts: Equatable, Sendable {
    /// One for each of `DurationBuckets`.
    public private(set) var counts: [Int]

    public init() { counts = Array(repeating: 0, count: DurationBuckets.count) }

    /// - Parameter counts: one for each bucket.
    public init(counts: [Int]) {
        precondition(counts.count == DurationBuckets.count, "there is a count for each bucket")
        self.counts = counts
    }

    public mutating func add(_ microseconds: Int, times: Int = 1) {
        counts[DurationBuckets.bucket(of: microseconds)] += times
    }

    public static func += (left: inout DurationCounts, right: DurationCounts) {
        for index in left.counts.indices { left.counts[index] += right.counts[index] }
    }

    /// The time within which so many of a thousand requests were answered, in microseconds: the upper end of
    /// the bucket, so never less than it was. nil where there was none.
    public func quantile(perMille: Int) -> Int? {
        let total = counts.reduce(0, +)
        guard total > 0 else { return nil }
        let rank = max(1, (total * perMille + 999) / 1000)
        var seen = 0
        for (bucket, count) in counts.enumerated() {
            seen += count
            if seen >= rank { return DurationBuckets.limit(of: bucket) }
        }
        return nil
    }

    // MARK: As bytes

    /// Pairs of numbers, each in groups of seven bits, the lowest first: how many buckets are passed over,
    /// and the count of the next.
    public var encoded: [UInt8] {
        var bytes: [UInt8] = []
        var skipped = 0
        for count in counts {
            guard count > 0 else {
                skipped += 1
                continue
            }
            DurationCounts.append(skipped, to: &bytes)
            DurationCounts.append(count, to: &bytes)
            skipped = 0
        }
        return bytes
    }

    /// Adds what `encoded` has written.
    ///
    /// - Returns: false where the bytes are none of it; then a part may have been added.
    public mutating func add(encoded bytes: [UInt8]) -> Bool {
        var position = 0
        var bucket = 0
        while position < bytes.count {
            guard let skipped = DurationCounts.number(bytes, &position),
                let count = DurationCounts.number(bytes, &position),
                skipped < counts.count - bucket
            else { return false }
            bucket += skipped
            counts[bucket] += count
            bucket += 1
        }
        return true
    }

    private static func append(_ number: Int, to bytes: inout [UInt8]) {
        var rest = UInt(number)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private static func number(_ bytes: [UInt8], _ position: inout Int) -> Int? {
        var value = 0
        var shift = 0
        while position < bytes.count, shift < 56 {
            let byte = bytes[position]
            position += 1
            value |= Int(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        return nil
    }
}
