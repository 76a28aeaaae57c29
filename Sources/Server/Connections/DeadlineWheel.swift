// Which connections to look at when: a ring of slots, one per tick. Moving a deadline further away
// costs nothing until the old one is reached.

/// What can be put on a wheel. The wheel alone writes `wheelTick` and `wheelPlace`.
protocol DeadlineHolder: AnyObject {
    /// Monotonic milliseconds; `.max` for none.
    var deadline: UInt64 { get }
    /// The tick at which the wheel looks at it; `.max`: never.
    var wheelTick: UInt64 { get set }
    /// Where it stands among those that the wheel looks at then.
    var wheelPlace: UInt32 { get set }
    func deadlinePassed()
}

/// A timer wheel with one entry per holder.
struct DeadlineWheel<Holder: DeadlineHolder> {
    static var tickMilliseconds: UInt64 { 250 }
    /// With the tick, a horizon of 64 s; what is further away is looked at then and put back.
    private static var slotCount: UInt64 { 256 }

    private var slots = [[Holder]](repeating: [], count: Int(slotCount))
    private var tick: UInt64

    init(now: UInt64) {
        tick = now / Self.tickMilliseconds
    }

    /// When the wheel would look at a deadline. Rounded up: never early.
    @inline(__always)
    static func tick(_ deadline: UInt64) -> UInt64 { deadline / tickMilliseconds + 1 }

    /// Sees to it that the holder is looked at when its deadline has passed. To be called whenever
    /// that has been set: where it has moved away, the wheel finds out at the old place.
    mutating func place(_ holder: Holder) {
        guard holder.deadline != .max, Self.tick(holder.deadline) < holder.wheelTick else { return }
        remove(holder)
        put(holder)
    }

    private mutating func put(_ holder: Holder) {
        let due = min(max(Self.tick(holder.deadline), tick + 1), tick + Self.slotCount - 1)
        let slot = Int(due % Self.slotCount)
        holder.wheelTick = due
        holder.wheelPlace = UInt32(slots[slot].count)
        slots[slot].append(holder)
    }

    mutating func remove(_ holder: Holder) {
        guard holder.wheelTick != .max else { return }
        let slot = Int(holder.wheelTick % Self.slotCount)
        holder.wheelTick = .max
        // The last one takes its place.
        let last = slots[slot].removeLast()
        if last === holder { return }
        last.wheelPlace = holder.wheelPlace
        slots[slot][Int(holder.wheelPlace)] = last
    }

    /// Moves on to `now` and returns those whose deadline has passed, off the wheel.
    mutating func advance(now: UInt64) -> [Holder] {
        var passed: [Holder] = []
        let target = now / Self.tickMilliseconds
        while tick < target {
            tick += 1
            let slot = Int(tick % Self.slotCount)
            let holders = slots[slot]
            slots[slot] = []
            for holder in holders {
                holder.wheelTick = .max
                if holder.deadline <= now {
                    passed.append(holder)
                } else if holder.deadline != .max {
                    put(holder)
                }
            }
        }
        return passed
    }
}
