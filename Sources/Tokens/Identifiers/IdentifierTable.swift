// A hash table whose rows carry their own keys. Rows stand one behind the other as they came, and
// a small index says which is where: what comes is written beside what came last, and what is
// looked for is found with two reads of far memory, of the index and of the row.

/// What stands under an identifier of its own.
protocol Identified {
    var id: Identifier { get }
}

struct IdentifierTable<Row: Identified> {
    /// In no order that lasts.
    private(set) var rows: [Row] = []
    /// By hash, then upwards: the place of a row, plus one, and above it the mark of its identifier; 0: none,
    /// and no row is further up. A power of two, of which a half is used at the most. With the mark, rows that
    /// merely stand in the way are passed without a look at them in far memory.
    private var index: [UInt32] = []

    private static var indexMin: Int { 8 }
    private static var placeBits: UInt32 { 24 }
    /// Rows at the most.
    static var countMax: Int { 1 << placeBits - 1 }

    var count: Int { rows.count }

    /// Makes room for as many rows.
    mutating func reserve(_ count: Int) {
        rows.reserveCapacity(count)
        if count * 2 > index.count { layOutIndex(count) }
    }

    /// The lower half of an identifier is random bits that nobody can choose, so mixing them
    /// spreads well enough.
    private static func mixed(_ id: Identifier) -> UInt64 { id.low &* 0x9E37_79B9_7F4A_7C15 }

    private func home(_ id: Identifier) -> Int {
        Int(truncatingIfNeeded: Self.mixed(id) >> 32) & (index.count &- 1)
    }

    /// What stands in the index for a row at this place.
    private static func entry(_ id: Identifier, at place: Int) -> UInt32 {
        mark(id) | UInt32(truncatingIfNeeded: place &+ 1)
    }

    /// Bits of the hash that `home` does not use, in the place of the mark.
    private static func mark(_ id: Identifier) -> UInt32 {
        UInt32(truncatingIfNeeded: mixed(id) >> 56) << placeBits
    }

    private static func place(_ entry: UInt32) -> Int {
        Int(entry & (1 << placeBits - 1)) &- 1
    }

    private func next(_ slot: Int) -> Int { (slot &+ 1) & (index.count &- 1) }

    /// The slot in the index that leads to `id`, or the free one where it would be looked for last.
    private func slot(_ id: Identifier) -> Int {
        let mark = Self.mark(id)
        var slot = home(id)
        while true {
            let entry = index[slot]
            if entry == 0 { return slot }
            if (entry ^ mark) >> Self.placeBits == 0, rows[Self.place(entry)].id == id {
                return slot
            }
            slot = next(slot)
        }
    }

    /// The place of `id` in `rows`.
    func position(_ id: Identifier) -> Int? {
        if rows.isEmpty { return nil }
        let entry = index[slot(id)]
        return entry == 0 ? nil : Self.place(entry)
    }

    /// Lets `body` change the row at a place that `position` gave, all but its id.
    mutating func update<Result>(_ position: Int, _ body: (inout Row) -> Result) -> Result {
        body(&rows[position])
    }

    /// Adds a row, or puts it in the place of the one with the same id.
    mutating func insert(_ row: consuming Row) {
        if (rows.count + 1) * 2 > index.count { layOutIndex(rows.count * 2) }
        let slot = slot(row.id)
        let found = index[slot]
        if found == 0 {
            precondition(rows.count < Self.countMax, "more rows than the index can tell apart")
            index[slot] = Self.entry(row.id, at: rows.count)
            rows.append(row)
        } else {
            rows[Self.place(found)] = row
        }
    }

    private mutating func layOutIndex(_ rowsExpected: Int) {
        var size = Self.indexMin
        while size < rowsExpected * 2 { size *= 2 }
        index = [UInt32](repeating: 0, count: size)
        for place in rows.indices {
            let id = rows[place].id
            var slot = home(id)
            while index[slot] != 0 { slot = next(slot) }
            index[slot] = Self.entry(id, at: place)
        }
    }

    /// - Returns: false where there is no such row.
    mutating func remove(_ id: Identifier) -> Bool {
        guard let position = position(id) else { return false }
        free(slot(id))
        // The last row takes the place of the removed one.
        let last = rows.removeLast()
        if position < rows.count {
            index[slotOfPlace(rows.count, last.id)] = Self.entry(last.id, at: position)
            rows[position] = last
        }
        return true
    }

    private func slotOfPlace(_ place: Int, _ id: Identifier) -> Int {
        var slot = home(id)
        let entry = Self.entry(id, at: place)
        while index[slot] != entry { slot = next(slot) }
        return slot
    }

    /// Empties a slot, and moves up what would no longer be found behind it.
    private mutating func free(_ slot: Int) {
        var hole = slot
        var slot = next(hole)
        while index[slot] != 0 {
            let home = home(rows[Self.place(index[slot])].id)
            // It may move where its home is not between the hole and itself.
            let mask = index.count &- 1
            if (slot &- home) & mask >= (slot &- hole) & mask {
                index[hole] = index[slot]
                hole = slot
            }
            slot = next(slot)
        }
        index[hole] = 0
    }
}
