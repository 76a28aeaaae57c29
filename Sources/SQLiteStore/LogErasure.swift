// When the log is erased, so that a row that was removed does not stand in it for long.

import System
import Tokens

/// Asked with each job of expiry. The writer's thread.
struct LogErasure {
    /// How long a removed row may stand in the log, in milliseconds.
    static let pauseMilliseconds: Milliseconds = 10 * 60 * 1000

    /// A moment by the store's time and by a clock that never goes back, in milliseconds.
    private typealias Moment = (time: Milliseconds, monotonic: Milliseconds)
    private var last: Moment?

    static func monotonicNow() -> Milliseconds {
        Milliseconds(Clock.monotonicMicroseconds() / 1000)
    }

    /// Whether one of the clocks says so: while the time is in doubt, expiry is asked for with 0 again and again.
    mutating func isDue(_ time: Milliseconds, monotonic: Milliseconds = monotonicNow()) -> Bool {
        let last = last ?? (time, monotonic)
        self.last = last
        let passed = max(time - last.time, monotonic - last.monotonic)
        return passed >= LogErasure.pauseMilliseconds
    }

    mutating func done(_ time: Milliseconds, monotonic: Milliseconds = monotonicNow()) {
        last = (time, monotonic)
    }
}
