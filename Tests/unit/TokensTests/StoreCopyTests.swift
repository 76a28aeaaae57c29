// Copying between stores that a test has made up: all rows arrive, and what differs is found.

import CryptoForTests
import Testing

@testable import Tokens

/// Holds its rows in memory. What it is given it may spoil.
private final class MadeUpStore: CopyTarget {
    var content: CopiedHead
    var tables: [CopiedTable: [CopiedRow]] = [:]
    var countIsOffBy = 0
    private(set) var batches: [Int] = []
    private(set) var isFinished = false

    init(_ content: CopiedHead) { self.content = content }

    private final class Rows: CopiedRows {
        var rows: ArraySlice<CopiedRow>
        init(_ rows: [CopiedRow]) { self.rows = rows[...] }

        func next(_ count: Int) throws(StoreFailure) -> [CopiedRow] {
            defer { rows = rows.dropFirst(count) }
            return Array(rows.prefix(count))
        }
    }

    func head() throws(StoreFailure) -> CopiedHead { content }
    func count(of table: CopiedTable) throws(StoreFailure) -> Int {
        (tables[table]?.count ?? 0) + countIsOffBy
    }
    func rows(of table: CopiedTable) throws(StoreFailure) -> any CopiedRows {
        Rows(tables[table] ?? [])
    }
    func close() {}

    /// What it makes of a row that it is given; nil drops it.
    var keep: (CopiedRow) -> CopiedRow? = { $0 }
    var keepsHead = true

    func write(_ head: CopiedHead) throws(StoreFailure) { if keepsHead { content = head } }
    func append(_ rows: [CopiedRow], to table: CopiedTable) throws(StoreFailure) {
        batches.append(rows.count)
        tables[table, default: []] += rows.compactMap(keep)
    }
    func finish() throws(StoreFailure) -> String? {
        isFinished = true
        return "a warning"
    }
}

@Suite struct StoreCopyTests {
    private static let empty = CopiedHead(
        registry: RegistryContent(mode: .production), keys: KeyHistory())

    private static func row(_ table: CopiedTable, _ number: Int) -> CopiedRow {
        table.columns.map { column in
            switch column.kind {
            case .number, .smallNumber: .number(Int64(number))
            case .text, .bytes: number % 2 == 0 ? .nothing : .bytes([UInt8(number % 256)])
            }
        }
    }

    /// As many rows of each table, and a registry with a name in it.
    private static func source(rows: Int) throws -> MadeUpStore {
        var registry = RegistryContent(mode: .production)
        _ = try registry.addInstitution(
            "PSDGB-FCA-1", clientID: "one", secret: SecretDigest(of: [1]))
        let key = KeyRecord(fingerprint: testKey.fingerprint, from: 5, until: nil)
        let store = MadeUpStore(CopiedHead(registry: registry, keys: KeyHistory([key])))
        for table in CopiedTable.allCases {
            store.tables[table] = (0..<rows).map { row(table, $0) }
        }
        return store
    }

    @Test(arguments: [0, 1, 1999, 2000, 2001, 6000])
    func everythingArrivesInBatches(rows: Int) throws {
        let (source, target) = (try Self.source(rows: rows), MadeUpStore(Self.empty))
        var progress: [StoreCopy.Progress] = []
        let outcome = try StoreCopy(from: source, to: target) { progress.append($0) }.run()
        #expect(target.isFinished && outcome.warning == "a warning")
        #expect(target.tables.filter { !$1.isEmpty } == source.tables.filter { !$1.isEmpty })
        #expect(target.content == source.content)
        #expect(CopiedTable.allCases.allSatisfy { outcome.counts[$0] == rows })
        #expect(target.batches.allSatisfy { $0 <= StoreCopy.rowsMax })
        for step in [StoreCopy.Step.copied, .compared] where rows > 0 {
            let last = progress.last { $0.step == step }
            #expect(last?.done == rows && last?.total == rows)
        }
    }

    private enum Fault: String, CaseIterable {
        case dropped, changed, head, count, extra, order
    }

    @Test(arguments: Fault.allCases)
    private func differenceEndsTheCopy(fault: Fault) throws {
        let (source, target) = (try Self.source(rows: 2500), MadeUpStore(Self.empty))
        let victim = Self.row(.tokens, 2400)
        switch fault {
        case .dropped: target.keep = { $0 == victim ? nil : $0 }
        case .changed:
            target.keep = { $0 == victim ? $0.dropLast() + [.number(1)] : $0 }
        case .head: target.keepsHead = false
        case .count: source.countIsOffBy = 1
        case .extra: target.tables[.ccgTokens] = [Self.row(.ccgTokens, 0)]
        case .order:
            let other = Self.row(.tokens, 2401)
            target.keep = { $0 == victim ? other : $0 == other ? victim : $0 }
        }
        let failure = try #require(throws: StoreFailure.self) {
            try StoreCopy(from: source, to: target) { _ in }.run()
        }
        #expect(failure.description.contains("differ"))
        #expect(!target.isFinished)
    }

    @Test func orderOfKeysMakesNoDifference() {
        let other = SealingKey { bytes in for index in bytes.indices { bytes[index] = 9 } }
        let keys = [testKey, other].map {
            KeyRecord(fingerprint: $0.fingerprint, from: nil, until: nil)
        }
        let registry = RegistryContent(mode: .sandbox)
        let one = CopiedHead(registry: registry, keys: KeyHistory(keys))
        #expect(one == CopiedHead(registry: registry, keys: KeyHistory(keys.reversed())))
        #expect(one != CopiedHead(registry: registry, keys: KeyHistory([keys[0]])))
    }

    @Test(arguments: CopiedTable.allCases)
    func keyComesFirst(table: CopiedTable) {
        let names = table.columns.prefix(2).map(\.name)
        #expect(names == ["issued_at", "digest"] || names == ["consent", "institution"])
        #expect(Set(table.columns.map(\.name)).count == table.columns.count)
    }
}
