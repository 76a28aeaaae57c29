// The system's clocks, as they are. What is judged by time asks the Timekeeper instead.

import Glibc

public enum Clock {
    /// For durations. Any thread. About 30 ns.
    public static func monotonicMicroseconds() -> Int {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000 + time.tv_nsec / 1000
    }

    /// Microseconds since the machine started, with the time that it was suspended. Nobody sets it. Any
    /// thread. About 30 ns.
    public static func bootMicroseconds() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_BOOTTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }

    /// Milliseconds since 1970-01-01T00:00:00Z, by a clock that may be set at any moment: for people, and
    /// never to judge by. Any thread. About 30 ns.
    public static func wallMilliseconds() -> Int64 { wallMicroseconds() / 1000 }

    /// The same in microseconds.
    public static func wallMicroseconds() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}
