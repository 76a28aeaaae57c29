// What the file said of tokens that were asked for not long ago. Gateways ask for the same token with
// every call of an API, and the way to the reader's thread and back takes longer than the request.

import Synchronization
import Tokens

/// A bounded part of the file in memory, never older than the file: see `TokenChanges`. Any thread.
final class RecentTokens: Sendable {
    enum Recollection {
        /// nil: there is none, or it is not active.
        case known(AccessToken?)
        /// What the file is about to say may be remembered with this number.
        case unknown(number: Int)
    }

    private struct Row {
        let id: Identifier
        /// nil: there was none.
        let token: AccessToken?
        let consentSlot: Int
        let number: Int
    }

    private struct Shard {
        var rows: [Row] = []
        var places: [Identifier: Int] = [:]
        /// The row that leaves next, once there are as many as there may be.
        var oldest = 0

        mutating func put(_ row: Row) {
            if let place = places[row.id] {
                rows[place] = row
            } else if rows.count < RecentTokens.shardRowsMax {
                places[row.id] = rows.count
                rows.append(row)
            } else {
                places[rows[oldest].id] = nil
                places[row.id] = oldest
                rows[oldest] = row
                oldest = (oldest + 1) % rows.count
            }
        }
    }

    /// A power of two.
    private static let shardCount = 64
    private static let shardRowsMax = 2048
    /// At some 300 bytes each: 40 MB, where as many different ones are asked for.
    static var rowsMax: Int { shardCount * shardRowsMax }

    private let changes: TokenChanges
    private let shards: InlineArray<64, Mutex<Shard>>

    init(_ changes: TokenChanges) {
        self.changes = changes
        shards = InlineArray { _ in Mutex(Shard()) }
    }

    func look(_ id: Identifier, now: Milliseconds) -> Recollection {
        // Before the file is asked, so that what commits meanwhile has a higher one.
        let number = changes.number
        return shards[RecentTokens.shard(id)].withLock { shard in
            guard let place = shard.places[id] else { return .unknown(number: number) }
            return recall(shard.rows[place], now) ?? .unknown(number: number)
        }
    }

    /// - Returns: nil where the file has to be asked again.
    private func recall(_ row: borrowing Row, _ now: Milliseconds) -> Recollection? {
        guard let token = row.token else {
            return changes.isStillAbsent(row.id, readAt: row.number) ? .known(nil) : nil
        }
        guard
            changes.isCurrent(token, readAt: row.number, consentSlot: row.consentSlot)
        else { return nil }
        return .known(token.isActive(at: now) ? token : nil)
    }

    /// - Parameters:
    ///   - token: as the file has it, active or not; nil: it has none.
    ///   - number: of the look before the file was asked.
    func remember(_ token: AccessToken?, _ id: Identifier, number: Int) {
        let row = Row(
            id: id, token: token,
            consentSlot: token.map { TokenChanges.slot(consent: $0.consent.id) } ?? 0,
            number: number)
        shards[RecentTokens.shard(id)].withLock { $0.put(row) }
    }

    /// Rows that are kept.
    var count: Int {
        (0..<RecentTokens.shardCount).reduce(0) { sum, shard in
            sum + shards[shard].withLock { $0.rows.count }
        }
    }

    /// By random bits.
    private static func shard(_ id: Identifier) -> Int {
        Int(truncatingIfNeeded: id.low) & (shardCount - 1)
    }
}
