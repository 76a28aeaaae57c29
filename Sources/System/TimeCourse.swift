// How the time runs: as fast as the clock since boot, and a little faster or slower while it is drawn to
// another time.

import Synchronization

/// The time as a line over the clock since boot. A value; all in microseconds.
struct TimeCourse {
    /// A hundredth of what passes: 60 s take 59.4 to 60.6 s. It is enough for what clocks are corrected by,
    /// and nothing that lives by time notices.
    static let drawnPart: Int64 = 100

    /// Where it begins, on the clock since boot.
    let since: Int64
    /// The time then, since 1970.
    let time: Int64
    /// By how much it is to be drawn from there on.
    let correction: Int64

    func time(at boot: Int64) -> Int64 { time + (boot - since) + drawn(at: boot) }

    /// What is left of the correction.
    func remaining(at boot: Int64) -> Int64 { correction - drawn(at: boot) }

    private func drawn(at boot: Int64) -> Int64 {
        let most = max(0, boot - since) / TimeCourse.drawnPart
        return min(max(correction, -most), most)
    }
}

/// A course that any thread reads while one changes it. Nobody who reads waits for a lock.
///
/// A sequence lock: the version is odd while the course changes, and whoever has read under two versions
/// reads again. The clock is read in between, so no reading is later on the old course than the point
/// where the new one begins, and none goes back.
final class SharedCourse: Sendable {
    private let version = Atomic(0)
    private let since: Atomic<Int64>
    private let time: Atomic<Int64>
    private let correction: Atomic<Int64>

    init(_ course: TimeCourse) {
        since = Atomic(course.since)
        time = Atomic(course.time)
        correction = Atomic(course.correction)
    }

    private var current: TimeCourse {
        TimeCourse(
            since: since.load(ordering: .relaxed), time: time.load(ordering: .relaxed),
            correction: correction.load(ordering: .relaxed))
    }

    /// The time, and the moment on the clock since boot that it belongs to. Any thread.
    @inline(__always)
    func read(_ boot: () -> Int64) -> (time: Int64, boot: Int64) {
        while true {
            let before = version.load(ordering: .acquiring)
            let course = current
            let moment = boot()
            atomicMemoryFence(ordering: .acquiring)
            if before & 1 == 0, version.load(ordering: .relaxed) == before {
                return (course.time(at: moment), moment)
            }
        }
    }

    /// What is left of the correction. The thread that changes it.
    func remaining(at boot: Int64) -> Int64 { current.remaining(at: boot) }

    /// From now on another course, which begins where the old one ends. One thread at a time.
    func change(_ boot: () -> Int64, _ next: (TimeCourse) -> TimeCourse) {
        // Everybody sees this before the clock is read.
        version.add(1, ordering: .sequentiallyConsistent)
        let (old, moment) = (current, boot())
        let course = next(
            TimeCourse(
                since: moment, time: old.time(at: moment),
                correction: old.remaining(at: moment)))
        since.store(course.since, ordering: .relaxed)
        time.store(course.time, ordering: .relaxed)
        correction.store(course.correction, ordering: .relaxed)
        version.add(1, ordering: .releasing)
    }
}
