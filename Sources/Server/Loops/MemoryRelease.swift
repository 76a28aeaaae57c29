// When memory that is free goes back to the kernel.

/// Memory is free once rows or connections are gone, but the allocator keeps it until it is told otherwise.
/// That takes milliseconds, so it is not done each time. Asked about once a second, and whenever something has
/// expired.
struct MemoryRelease {
    /// As many closed connections leave megabytes.
    static let crowd = 1000
    /// As many in about a second are a crowd that is still leaving, and as many in all are worth a release.
    static let leaving = 100
    /// It is looked this often at the most, in milliseconds.
    static let lookMilliseconds: UInt64 = 900
    /// What is freed all the time goes back this often, in milliseconds.
    static let pauseMilliseconds: UInt64 = 30_000

    private var owesExpired = false
    private var owesCrowd = false
    private var lookedAt: UInt64?
    private var seenClosed = 0
    private var releasedClosed = 0
    private var releasedAt: UInt64?

    /// Whether to give it back now: what a crowd took once it has left, all else after the pause. Nothing is
    /// forgotten that was freed just after a release.
    ///
    /// - Parameters:
    ///   - now: of a clock that never goes back, in milliseconds.
    ///   - hasExpired: whether the store may have forgotten something since the last question.
    ///   - closed: how many connections have been closed so far.
    mutating func isDue(now: UInt64, hasExpired: Bool, closed: Int) -> Bool {
        if hasExpired { owesExpired = true }
        if let lookedAt, now - lookedAt < MemoryRelease.lookMilliseconds { return false }
        let isLeaving = closed - seenClosed >= MemoryRelease.leaving
        (lookedAt, seenClosed) = (now, closed)
        if closed - releasedClosed >= MemoryRelease.crowd { owesCrowd = true }
        let hasPaused = releasedAt.map { now - $0 >= MemoryRelease.pauseMilliseconds } ?? true
        let hasLeft = owesCrowd && !isLeaving
        let owesSome = owesExpired || closed - releasedClosed >= MemoryRelease.leaving
        guard hasLeft || hasPaused && owesSome else { return false }
        (owesExpired, owesCrowd) = (false, isLeaving)
        (releasedClosed, releasedAt) = (closed, now)
        return true
    }
}
