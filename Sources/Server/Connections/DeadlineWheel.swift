// Which connections to look at when: a ring of slots, one per tick. Moving a deadline further away
// costs nothing until the old one is reached.

/// What can be put on a wheel. The wheel alone writes `wheelSlot`.
protocol DeadlineHolder: AnyObject {
    /// Monotonic milliseconds; `.max` for none.
    var deadline: UInt64 { get }
    /// Where the wheel holds it; nil: nowhere.
    var wheelSlot: Int? { get set }
    func deadlinePassed()
}

/// A timer wheel with one entry per holder.
struct DeadlineWheel<Holder: DeadlineHolder> {
    static var tickMilliseconds: UInt64 { 250 }
    /// With the tick, a horizon of 64 s; what is further away is looked at then and put back.
    private static var slotCount: Int { 256 }

    private var slots = [[ObjectIdentifier: Holder]](repeating: [:], count: slotCount)
    private var tick: UInt64

    init(now: UInt64) {
        tick = now / Self.tickMilliseconds
    }

    /// Puts the holder where its deadline belongs. Needed where a deadline has come nearer; one
    /// that has moved away is found at the old place.
    mutating func place(_ holder: Holder) {
        remove(holder)
        guard holder.deadline != .max else { return }
        // Rounded up: never early.
        let due = holder.deadline / Self.tickMilliseconds + 1
        let ahead = min(max(due, tick + 1), tick + UInt64(Self.slotCount) - 1)
        let slot = Int(ahead % UInt64(Self.slotCount))
        slots[slot][ObjectIdentifier(holder)] = holder
        holder.wheelSlot = slot
    }

    mutating func remove(_ holder: Holder) {
        guard let slot = holder.wheelSlot else { return }
        slots[slot][ObjectIdentifier(holder)] = nil
        holder.wheelSlot = nil
    }

    /// Moves on to `now` and returns those whose deadline has passed, off the wheel.
    mutating func advance(now: UInt64) -> [Holder] {
        var passed: [Holder] = []
        let target = now / Self.tickMilliseconds
        while tick < target {
            tick += 1
            let slot = Int(tick % UInt64(Self.slotCount))
            guard !slots[slot].isEmpty else { continue }
            let holders = slots[slot]
            slots[slot] = [:]
            for holder in holders.values {
                holder.wheelSlot = nil
                if holder.deadline <= now {
                    passed.append(holder)
                } else {
                    place(holder)
                }
            }
        }
        return passed
    }
}
