// The machine's two clocks, as a test sets them.

import Synchronization
import System

/// A clock since boot, a wall clock, and a timekeeper that looks at both once a second.
struct TwoClocks {
    private final class Hands: Sendable {
        let boot = Atomic(Int64(77_000_000))
        let wall: Atomic<Int64>
        init(wall: Int64) { self.wall = Atomic(wall) }
    }

    private let hands: Hands
    let timekeeper: Timekeeper

    static let start: Int64 = 1_800_000_000_000

    /// - Parameter wall: what the wall clock begins with, in milliseconds since 1970.
    init(wall: Int64 = start) {
        let hands = Hands(wall: wall * 1000)
        self.hands = hands
        timekeeper = Timekeeper(
            boot: { hands.boot.load(ordering: .relaxed) },
            wall: { hands.wall.load(ordering: .relaxed) })
    }

    var now: Int64 { timekeeper.now() }
    var wall: Int64 { hands.wall.load(ordering: .relaxed) / 1000 }

    /// Somebody sets the wall clock.
    func setWall(by milliseconds: Int64) { hands.wall.add(milliseconds * 1000, ordering: .relaxed) }

    /// Time passes that nobody looks at, as while the machine is suspended.
    func suspend(_ milliseconds: Int64) {
        hands.boot.add(milliseconds * 1000, ordering: .relaxed)
        hands.wall.add(milliseconds * 1000, ordering: .relaxed)
    }

    /// Time passes, with a look after each second of it.
    ///
    /// - Returns: what people were told.
    @discardableResult func pass(_ milliseconds: Int64) -> [WallClockNotice] {
        var told: [WallClockNotice] = []
        var left = milliseconds
        while left > 0 {
            suspend(min(left, 1000))
            left -= 1000
            if let notice = timekeeper.look() { told.append(notice) }
        }
        return told
    }
}
