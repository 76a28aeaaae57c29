// The time that everything lives by, and that never goes back: the wall clock at the start, carried on by
// a clock that nobody sets, and drawn slowly to the wall clock.

import Synchronization

/// One for the whole process, so that all threads have the same time. Knows no store and no log.
public final class Timekeeper: Sendable {
    private let boot: @Sendable () -> Int64
    private let wall: @Sendable () -> Int64
    private let course: SharedCourse
    private let rules: Mutex<WallClockRules>
    /// What it is drawn to, where that may be another machine's clock.
    public let reference: ReferenceClock?

    /// Is drawn to the wall clock, and to another machine's once that has been measured.
    public convenience init(following reference: ReferenceClock) {
        self.init(wall: reference.microseconds, reference: reference)
    }

    /// Begins with what the wall clock says.
    ///
    /// - Parameters:
    ///   - boot: a clock that nobody sets, in microseconds.
    ///   - wall: the wall clock, in microseconds since 1970.
    ///   - reference: what `wall` reads.
    public init(
        boot: @escaping @Sendable () -> Int64 = Clock.bootMicroseconds,
        wall: @escaping @Sendable () -> Int64 = Clock.wallMicroseconds,
        reference: ReferenceClock? = nil
    ) {
        self.boot = boot
        self.wall = wall
        self.reference = reference
        let (moment, time) = (boot(), wall())
        course = SharedCourse(TimeCourse(since: moment, time: time, correction: 0))
        rules = Mutex(WallClockRules(boot: moment, wall: time))
    }

    /// Milliseconds since 1970. What has been read once is never followed by less, on any thread. Any
    /// thread; about 30 ns.
    @Sendable public func now() -> Int64 { course.read(boot).time / 1000 }

    /// By how much the wall clock is ahead of the time, in milliseconds; negative where it is behind. Any
    /// thread.
    public var wallClockAhead: Int64 { wall() / 1000 - now() }

    /// What has expired may be deleted. False after a start at which the wall clock was an hour or more
    /// from the last time that the store had seen, until the two have agreed for five minutes: a deletion
    /// cannot be undone, and one of the two is wrong. Any thread.
    public var isSure: Bool { rules.withLock { $0.isSure } }

    /// Goes on from the last time that the store has seen, where the wall clock is behind that. Call once,
    /// before anybody lives by the time.
    ///
    /// - Parameter lastSeen: in milliseconds since 1970; nil: it has seen nothing.
    public func begin(notBefore lastSeen: Int64?) {
        guard let lastSeen, lastSeen < Timekeeper.lastMoment else { return }
        // A moment that was seen has passed.
        let seen = (lastSeen + 1) * 1000
        let time = course.read(boot).time
        rules.withLock { rules in
            rules.began(ahead: time - seen)
            guard time < seen else { return }
            course.change(boot) { now in
                TimeCourse(since: now.since, time: max(now.time, seen), correction: 0)
            }
        }
    }

    /// Takes over what the wall clock says now, at once: another machine's clock has just come in its
    /// place. Any thread.
    ///
    /// - Parameters:
    ///   - mayGoBack: nobody has lived by the time yet. Otherwise a time that is ahead is drawn back,
    ///     slowly.
    ///   - ahead: by how much those with whom the time is shared are ahead of that clock, in microseconds.
    public func beginAnew(mayGoBack: Bool, ahead: Int64 = 0) {
        rules.withLock { rules in
            let (moment, wall) = (boot(), wall())
            rules = WallClockRules(boot: moment, wall: wall)
            course.change(boot) { now in
                let time = wall + ahead + (now.since - moment)
                return TimeCourse(
                    since: now.since, time: mayGoBack ? time : max(now.time, time), correction: 0)
            }
        }
    }

    /// The end of the year 9999, in milliseconds since 1970: what is seen from then on is no time.
    private static let lastMoment: Int64 = 253_402_300_800_000

    /// Less than this is not worth a correction: the clocks are not read at the same moment. Microseconds.
    private static let correctionMin: Int64 = 1000

    /// Compares the time to the wall clock. To be called about once a second, by one thread.
    ///
    /// - Returns: what people have to be told.
    public func look() -> WallClockNotice? {
        guard let seen = readBoth() else { return nil }
        return rules.withLock { rules in
            let (correction, notice) = rules.look(
                boot: seen.boot, wall: seen.wall, time: seen.time)
            let change = correction - course.remaining(at: seen.boot)
            if abs(change) >= Timekeeper.correctionMin {
                course.change(boot) { now in
                    TimeCourse(
                        since: now.since, time: now.time, correction: now.correction + change)
                }
            }
            return notice
        }
    }

    /// Both clocks within less than a millisecond; nil where something always came in between.
    private func readBoth() -> (boot: Int64, time: Int64, wall: Int64)? {
        for _ in 0..<3 {
            let before = course.read(boot)
            let wall = wall()
            if course.read(boot).boot - before.boot < Timekeeper.correctionMin {
                return (before.boot, before.time, wall)
            }
        }
        return nil
    }
}
