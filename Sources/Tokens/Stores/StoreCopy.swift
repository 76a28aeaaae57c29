// Copies one store into another and compares them. Knows neither of them.

public struct StoreCopy {
    /// Rows that are in memory at a time, of each side.
    static let rowsMax = 2000

    public enum Step: String, Sendable {
        case copied, compared
    }

    /// How far a step has come with one table.
    public struct Progress: Equatable, Sendable {
        public let step: Step
        public let table: CopiedTable
        public let done: Int
        public let total: Int
    }

    /// What was copied.
    public struct Outcome: Sendable {
        public let head: CopiedHead
        public let counts: [CopiedTable: Int]
        /// What people have to know of it.
        public let warning: String?
    }

    private let source: any CopySource
    private let target: any CopyTarget
    private let report: (Progress) -> Void

    /// - Parameter report: is called after each batch.
    public init(
        from source: any CopySource, to target: any CopyTarget,
        report: @escaping (Progress) -> Void
    ) {
        (self.source, self.target, self.report) = (source, target, report)
    }

    /// Copies everything, reads both sides again, and finishes where they are the same.
    ///
    /// - Throws: where anything fails or differs. What was written is gone then, once the target is
    ///   closed, unless the error says that nobody knows.
    public func run() throws(StoreFailure) -> Outcome {
        let head = try source.head()
        try target.write(head)
        var counts: [CopiedTable: Int] = [:]
        for table in CopiedTable.allCases { counts[table] = try copy(table) }
        for table in CopiedTable.allCases { try compare(table, total: counts[table] ?? 0) }
        guard try source.head() == target.head() else {
            throw StoreCopy.mismatch("the registry or the keys that are known")
        }
        return Outcome(head: head, counts: counts, warning: try target.finish())
    }

    /// - Returns: how many rows there were.
    private func copy(_ table: CopiedTable) throws(StoreFailure) -> Int {
        let total = try source.count(of: table)
        let rows = try source.rows(of: table)
        var done = 0
        while true {
            let batch = try rows.next(StoreCopy.rowsMax)
            guard !batch.isEmpty else { break }
            try target.append(batch, to: table)
            done += batch.count
            report(Progress(step: .copied, table: table, done: done, total: total))
        }
        guard done == total else { throw StoreCopy.mismatch("the number of \(table.noun)") }
        return done
    }

    private func compare(_ table: CopiedTable, total: Int) throws(StoreFailure) {
        let (before, after) = (try source.rows(of: table), try target.rows(of: table))
        var done = 0
        while true {
            let batch = try before.next(StoreCopy.rowsMax)
            guard try batch == after.next(StoreCopy.rowsMax) else {
                throw StoreCopy.mismatch("\(table.noun) after the first \(done)")
            }
            guard !batch.isEmpty else { break }
            done += batch.count
            report(Progress(step: .compared, table: table, done: done, total: total))
        }
    }

    private static func mismatch(_ what: String) -> StoreFailure {
        StoreFailure(
            "the copy is not what was copied: the two stores differ in \(what); nothing was kept of it"
        )
    }
}
