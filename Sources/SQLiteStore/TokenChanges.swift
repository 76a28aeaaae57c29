// Which tokens the writer changes, and since when: so what was read of a token before is not taken for
// what stands in the file now. Only the writer's process changes the file while its lock is held.

import Synchronization
import Tokens

/// Counts the transactions that change tokens. The writer's thread tells it; any thread asks.
///
/// A transaction closes the slots of what it changes before it commits, and opens them again, with a
/// number of its own, when all can see what came of it. What was read under a lower number than that of
/// its slot, or while the slot is closed, does not count. Several tokens share a slot: then one of them
/// is read anew without need.
final class TokenChanges: Sendable {
    /// What a transaction changes. The writer's thread only.
    struct Pending {
        fileprivate var added: [Int] = []
        fileprivate var removed: [Int] = []
        fileprivate var revoked: [Int] = []
        fileprivate var expiredAt: Milliseconds?

        mutating func add(issuedAt: Milliseconds) {
            let slot = TokenChanges.slot(issuedAt: issuedAt)
            // One batch mostly has tokens of one or two milliseconds.
            if added.last != slot { added.append(slot) }
        }

        mutating func remove(issuedAt: Milliseconds) {
            removed.append(TokenChanges.slot(issuedAt: issuedAt))
        }

        mutating func revoke(consent: String) {
            revoked.append(TokenChanges.slot(consent: consent))
        }

        /// What had expired then may have been removed.
        mutating func expire(at now: Milliseconds) { expiredAt = now }
    }

    private static let slotCount = 4096
    private typealias Slots = InlineArray<4096, Atomic<Int>>
    private static let closed = Int.max

    /// By the moment of issue: all that a replay knows of its token besides the digest.
    private let added = Slots { _ in Atomic(0) }
    private let removed = Slots { _ in Atomic(0) }
    /// By the consent.
    private let revoked = Slots { _ in Atomic(0) }
    /// Tokens that expire until then may have been removed, whatever the clock says now.
    private let expiredUntil = Atomic(Milliseconds.min)
    private let last = Atomic(0)

    static func slot(issuedAt: Milliseconds) -> Int {
        Int(truncatingIfNeeded: issuedAt) & (slotCount - 1)
    }

    static func slot(consent: String) -> Int { consent.hashValue & (slotCount - 1) }

    /// The last transaction that changed tokens. Who reads the file from now on sees what it did.
    var number: Int { last.load(ordering: .acquiring) }

    // MARK: The writer

    func close(_ pending: Pending) {
        set(TokenChanges.closed, pending)
        if let moment = pending.expiredAt {
            expiredUntil.max(moment, ordering: .releasing)
        }
    }

    /// Once it has committed, or has failed to.
    func open(_ pending: Pending) {
        let number = last.load(ordering: .relaxed) + 1
        set(number, pending)
        last.store(number, ordering: .releasing)
    }

    private func set(_ number: Int, _ pending: Pending) {
        for slot in pending.added { added[slot].store(number, ordering: .releasing) }
        for slot in pending.removed { removed[slot].store(number, ordering: .releasing) }
        for slot in pending.revoked { revoked[slot].store(number, ordering: .releasing) }
    }

    // MARK: Whoever has read a token

    /// Whether a token is as it was read under a number.
    ///
    /// - Parameter consentSlot: its consent's.
    func isCurrent(_ token: AccessToken, readAt number: Int, consentSlot: Int) -> Bool {
        let slot = TokenChanges.slot(issuedAt: token.id.issuedAt)
        guard removed[slot].load(ordering: .acquiring) <= number,
            revoked[consentSlot].load(ordering: .acquiring) <= number
        else { return false }
        guard let expiresAt = token.expiresAt else { return true }
        return expiredUntil.load(ordering: .acquiring) < expiresAt
    }

    /// Whether no such token has come since a number.
    func isStillAbsent(_ id: Identifier, readAt number: Int) -> Bool {
        added[TokenChanges.slot(issuedAt: id.issuedAt)].load(ordering: .acquiring) <= number
    }
}
