// The clock that the time is drawn to: the machine's wall clock, or one that several machines share.

import Synchronization

/// Any thread.
public final class ReferenceClock: Sendable {
    /// The shared clock less the clock since boot, in microseconds; `.min`: none has been measured.
    private let ahead = Atomic(Int64.min)

    public init() {}

    /// Microseconds since 1970. Between two measurements the clock since boot carries it on, so nothing
    /// that is done to this machine's wall clock moves it.
    @Sendable public func microseconds() -> Int64 {
        let ahead = ahead.load(ordering: .relaxed)
        return ahead == .min ? Clock.wallMicroseconds() : Clock.bootMicroseconds() + ahead
    }

    /// Another machine has said what its clock shows. From now on that is the reference.
    ///
    /// - Parameters:
    ///   - time: what it showed, in microseconds since 1970.
    ///   - sent: when it was asked, on the clock since boot.
    ///   - received: when its answer was there. The middle is taken for its moment.
    /// - Returns: by how much it is ahead of this machine's wall clock, in microseconds.
    @discardableResult
    public func measured(_ time: Int64, sent: Int64, received: Int64) -> Int64 {
        let isFirst = ahead.load(ordering: .relaxed) == .min
        // Half of the wait may be wrong. Where it was long, what is known is better.
        if isFirst || received - sent <= ReferenceClock.waitMax {
            ahead.store(time - (sent + (received - sent) / 2), ordering: .relaxed)
        }
        return microseconds() - Clock.wallMicroseconds()
    }

    private static let waitMax: Int64 = 200_000
}
