// The system's clocks.

import Glibc

public enum Clock {
    /// For durations. Any thread. About 30 ns.
    public static func monotonicMicroseconds() -> Int {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000 + time.tv_nsec / 1000
    }

    /// Milliseconds since 1970-01-01T00:00:00Z. Any thread. About 30 ns.
    public static func wallMilliseconds() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
