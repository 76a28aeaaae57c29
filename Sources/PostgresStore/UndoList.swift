// Exchanges that are to be undone, and the order in which that is tried.

/// One that cannot be undone, such as one whose row somebody holds or cannot read, keeps no other waiting
/// for long. The store's thread.
struct UndoList {
    private static let pauseMicroseconds = 500_000

    private var undos: [Undo] = []
    /// Not before this moment, in monotonic microseconds: they have failed.
    private var from = 0
    /// One of those that were tried together is at fault.
    private var isOneByOne = false

    var count: Int { undos.count }
    var isEmpty: Bool { undos.isEmpty }

    mutating func add(_ more: [Undo]) { undos += more }

    /// What is to be tried now; empty where there is nothing, or not yet.
    ///
    /// - Parameter now: in monotonic microseconds.
    func due(at now: Int) -> [Undo] {
        guard now >= from else { return [] }
        return Array(undos.prefix(isOneByOne ? 1 : ChangeQueue.batchMax))
    }

    /// The first ones are undone.
    mutating func done(_ count: Int) {
        undos.removeFirst(count)
        if undos.isEmpty { isOneByOne = false }
    }

    /// - Parameters:
    ///   - count: so many of the first ones were tried.
    ///   - isOfOne: one of them is at fault, and the others may be undone without it.
    mutating func failed(_ count: Int, isOfOne: Bool, now: Int) {
        if isOfOne, count > 1 { return isOneByOne = true }
        // Behind all others. Requests come in between, since it may have waited for seconds.
        if isOfOne { undos.append(undos.removeFirst()) }
        from = now + UndoList.pauseMicroseconds
    }
}
