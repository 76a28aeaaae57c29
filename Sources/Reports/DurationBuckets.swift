// Which bucket a duration belongs to. Log-linear: each power of two is cut into eight parts, so that no
// bucket is wider than an eighth of what is in it.

/// The buckets of all durations, in microseconds. Stores keep their numbers: never changed once released.
public enum DurationBuckets {
    /// As many as there are.
    public static let count = 240
    /// The longest that is told apart, in microseconds: 71 minutes.
    private static let longest = (1 << 32) - 1

    /// - Parameter microseconds: not negative.
    @inlinable
    public static func bucket(of microseconds: Int) -> Int {
        // Below 16 the number of the bucket is the value itself.
        let value = UInt32(truncatingIfNeeded: min(microseconds, 0xFFFF_FFFF))
        guard value >= 8 else { return Int(value) }
        let exponent = 31 - value.leadingZeroBitCount
        return (exponent - 2) * 8 + Int((value &>> UInt32(exponent - 3)) & 7)
    }

    /// The largest value that belongs to a bucket, in microseconds.
    public static func limit(of bucket: Int) -> Int {
        guard bucket >= 8 else { return bucket }
        let shift = bucket / 8 - 1
        return min((bucket % 8 + 9) << shift - 1, longest)
    }
}
