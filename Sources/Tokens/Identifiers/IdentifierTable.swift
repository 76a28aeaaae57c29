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
    /// By hash, then upwards: the place of a row, plus one; 0: none, and no row is further up.
    /// A power of two, of which a half is used at the most.
    private var index: [UInt32] = []

    private static var indexMin: Int { 8 }

    var count: Int { rows.count }

    /// Makes room for as many rows.
    mutating func reserve(_ count: Int) {
        rows.reserveCapacity(count)
        if count * 2 > index.count { layOutIndex(count) }
    }

    /// The lower half of an identifier is random bits that nobody can choose, so mixing them
    /// spreads well enough.
    private func home(_ id: Identifier) -> Int {
        let mixed = id.low &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: mixed >> 32) & (index.count &- 1)
    }

    private func next(_ slot: Int) -> Int { (slot &+ 1) & (index.count &- 1) }

    /// The slot in the index that leads to `id`, or the free one where it would be looked for last.
    private func slot(_ id: Identifier) -> Int {
        var slot = home(id)
        while index[slot] != 0, rows[Int(index[slot]) - 1].id != id { slot = next(slot) }
        return slot
    }

    /// The place of `id` in `rows`.
    func position(_ id: Identifier) -> Int? {
        if rows.isEmpty { return nil }
        let place = index[slot(id)]
        return place == 0 ? nil : Int(place) - 1
    }

    /// Lets `body` change the row at a place that `position` gave, all but its id.
    mutating func update<Result>(_ position: Int, _ body: (inout Row) -> Result) -> Result {
        body(&rows[position])
    }

    /// Adds a row, or puts it in the place of the one with the same id.
    mutating func insert(_ row: consuming Row) {
        if (rows.count + 1) * 2 > index.count { layOutIndex(rows.count * 2) }
        let slot = slot(row.id)
        if index[slot] == 0 {
            rows.append(row)
            index[slot] = UInt32(rows.count)
        } else {
            rows[Int(index[slot]) - 1] = row
        }
    }

    private mutating func layOutIndex(_ rowsExpected: Int) {
        var size = Self.indexMin
        while size < rowsExpected * 2 { size *= 2 }
        index = [UInt32](repeating: 0, count: size)
        for place in rows.indices {
            var slot = home(rows[place].id)
            while index[slot] != 0 { slot = next(slot) }
            index[slot] = UInt32(place + 1)
        }
    }

    /// - Returns: false where there is no such row.
    mutating func remove(_ id: Identifier) -> Bool {
        guard let position = position(id) else { return false }
        free(slot(id))
        // The last row takes the place of the removed one.
        let last = rows.removeLast()
        if position < rows.count {
            let slot = slotOfPlace(rows.count + 1, last.id)
            index[slot] = UInt32(position + 1)
            rows[position] = last
        }
        return true
    }

    private func slotOfPlace(_ place: Int, _ id: Identifier) -> Int {
        var slot = home(id)
        while index[slot] != UInt32(place) { slot = next(slot) }
        return slot
    }

    /// Empties a slot, and moves up what would no longer be found behind it.
    private mutating func free(_ slot: Int) {
        var hole = slot
        var slot = next(hole)
        while index[slot] != 0 {
            let home = home(rows[Int(index[slot]) - 1].id)
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
