// The changes that wait for a writing connection, and what is known of those that nobody waits for any
// more. Shared by both connections.

import Tokens

/// The store's thread.
final class ChangeQueue {
    /// As many changes share a transaction at the most.
    static let batchMax = 256
    /// As many may wait; more are refused.
    static let waitingMax = 65_536

    private let inbox: Inbox<Change, ChangeAnswer>
    private var waiting: [PendingChange] = []
    private var first = 0
    /// Sent before, to no avail. They are older than all that wait.
    private var urgent: [PendingChange] = []
    /// Codes that may have been spent for a token that nobody has been given, and how often.
    private var doubtful: [Identifier: Int] = [:]

    init(_ inbox: Inbox<Change, ChangeAnswer>) { self.inbox = inbox }

    var count: Int { waiting.count - first + urgent.count }
    /// Nothing is left with the loops, either.
    var isEmpty: Bool { count == 0 && inbox.queue.count == 0 }
    var hasDoubts: Bool { !doubtful.isEmpty }

    /// Leaves what comes where it is, until the next `take`.
    func rest() { inbox.rest() }

    /// Takes what has come.
    func take(at now: Int) {
        inbox.take { ticket in
            let pending = PendingChange(ticket, since: now)
            // Until it is known, a refusal could be wrong.
            let isDoubtful =
                !doubtful.isEmpty && pending.redemption.map { doubtful[$0.code] != nil } == true
            if isDoubtful || count >= ChangeQueue.waitingMax {
                answer(pending, .failure(.unavailable))
            } else {
                waiting.append(pending)
            }
        }
    }

    func answer(_ pending: PendingChange, _ answer: ChangeAnswer) {
        if pending.markAnswered() { inbox.answer(pending.ticket, answer) }
    }

    func deliver() { inbox.deliver() }

    /// Fewer are not shared out: a statement costs as much as some twenty exchanges.
    private static let shareMin = 64

    /// The changes of the next transaction.
    ///
    /// - Parameter freeCount: connections that are free, with the one that asks.
    func next(_ freeCount: Int = 1) -> [PendingChange] {
        if let change = urgent.first {
            let isAlone = change.isAlone
            let count =
                isAlone
                ? 1 : urgent.prefix(ChangeQueue.batchMax).prefix { !$0.isAlone }.count
            defer { urgent.removeFirst(count) }
            return Array(urgent[..<count])
        }
        let share = (waiting.count - first + freeCount - 1) / max(freeCount, 1)
        let count = min(ChangeQueue.batchMax, max(ChangeQueue.shareMin, share))
        let end = min(waiting.count, first + count)
        defer {
            first = end
            // Amortised: the array is cut once half of it is past.
            if first * 2 > waiting.count {
                waiting.removeFirst(first)
                first = 0
            }
        }
        return Array(waiting[first..<end])
    }

    /// To be sent again, before all others. Nothing of them has happened but what `mayBeDone` says.
    func putBack(_ changes: some Collection<PendingChange>) {
        urgent.insert(contentsOf: changes.filter { !$0.isAnswered }, at: 0)
    }

    /// Answers those that have waited too long. None of them is under way.
    ///
    /// - Returns: what has to be undone.
    func expire(cameBefore moment: Int) -> [Undo] {
        var late: [PendingChange] = []
        while first < waiting.count, waiting[first].since < moment {
            late.append(waiting[first])
            first += 1
        }
        urgent.removeAll { change in
            guard change.since < moment else { return false }
            late.append(change)
            return true
        }
        return late.compactMap(giveUp)
    }

    /// Answers a change that has waited too long, or can never be made, where it has not been answered.
    ///
    /// - Returns: what has to be undone. It is in doubt until `isUndone`.
    func giveUp(_ pending: PendingChange) -> Undo? {
        let wasAnswered = pending.isAnswered
        switch pending.change {
        case .redeem(let attempt):
            answer(pending, .failure(.unavailable))
            guard pending.mayBeDone else {
                if wasAnswered { settle(attempt.code) }
                return nil
            }
            if !wasAnswered { doubt(attempt.code) }
            return Undo(attempt)
        case .revoke, .revokeConsent:
            answer(pending, .failure(pending.mayBeDone ? .outcomeUnknown : .unavailable))
        case .insert, .insertCCG: answer(pending, .failure(.unavailable))
        }
        return nil
    }

    /// Answers a change that is under way and has waited too long. What comes of it has to be looked at.
    func abandon(_ pending: PendingChange) {
        guard !pending.isAnswered else { return }
        switch pending.change {
        case .redeem(let attempt):
            doubt(attempt.code)
            answer(pending, .failure(.unavailable))
        case .revoke, .revokeConsent: answer(pending, .failure(.outcomeUnknown))
        case .insert, .insertCCG: answer(pending, .failure(.unavailable))
        }
    }

    private func doubt(_ code: Identifier) { doubtful[code, default: 0] += 1 }

    /// It is known how the code stands.
    func settle(_ code: Identifier) {
        guard let count = doubtful[code] else { return }
        doubtful[code] = count > 1 ? count - 1 : nil
    }

    /// Refuses all that waits: the store closes.
    func refuseAll() -> [Undo] { expire(cameBefore: .max) }
}
