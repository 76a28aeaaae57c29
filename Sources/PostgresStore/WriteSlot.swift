// One writing connection and its batch. What a lost connection leaves in doubt stays here, and comes
// first on the next one: that is made only when the server's process behind the old one is gone, so that
// nothing of before can still happen.

import System
import Tokens
import UV

/// The store's thread.
final class WriteSlot {
    private let queue: ChangeQueue
    private let chores: Chores
    private let health: StoreHealth
    private let metrics: StoreMetrics
    /// Of a row that nobody else changes, so that a commit that waits for a standby is in nobody's way.
    private let node: [UInt8]
    /// Runs after each step, so that both connections find work.
    let afterwards: () -> Void
    var batch: WriteBatch?
    /// Sent, and of unknown outcome.
    private var uncertain: [PendingChange] = []
    private var undos = UndoList()
    private var began = 0
    private(set) weak var link: Link?

    /// How often a batch goes back for another transaction.
    private static let conflictsMax = 3

    init(
        _ queue: ChangeQueue, _ chores: Chores, _ health: StoreHealth, _ metrics: StoreMetrics,
        node: [UInt8], afterwards: @escaping () -> Void
    ) {
        (self.queue, self.chores, self.health, self.metrics) = (queue, chores, health, metrics)
        self.node = node
        self.afterwards = afterwards
    }

    func use(_ link: Link) { self.link = link }

    var undoCount: Int { undos.count }
    var owesNothing: Bool { batch == nil && uncertain.isEmpty && undos.isEmpty }

    /// Could take something up now.
    var isFree: Bool { link?.isReady == true }

    /// Takes up what waits, where the connection is free.
    ///
    /// - Parameter freeCount: connections that are free, with this one: they share what waits.
    func work(_ freeCount: Int) {
        guard let link, link.isReady else { return }
        let some = undos.due(at: Clock.monotonicMicroseconds())
        if !some.isEmpty { return undo(some, link) }
        if !uncertain.isEmpty {
            let changes = Array(uncertain.prefix(ChangeQueue.batchMax))
            uncertain.removeFirst(changes.count)
            metrics.repeated.add(changes.count)
            return send(WriteBatch(changes), link)
        }
        if let chore = chores.next() { return run(chore, link) }
        let changes = queue.next(freeCount)
        if !changes.isEmpty { send(WriteBatch(changes), link) }
    }

    /// Finds out whether changes are taken, where nothing else does.
    func probe() {
        guard let link, link.isReady, owesNothing else { return }
        link.run([nodeStep]) { [self] outcome in
            _ = noted(outcome)
            afterwards()
        }
    }

    var nodeStep: Step { WriteBatch.nodeStep(node) }

    /// - Returns: the results of what is as durable as it can be.
    ///
    /// - Parameter isRequest: somebody has asked for it; it is nothing that the store does by itself.
    func noted(
        _ outcome: TransactionOutcome, isRequest: Bool = false
    ) -> [ServerResult]? {
        switch outcome {
        case .committed(let results):
            health.succeeded(.writing)
            return results
        case .rolledBack(let error):
            metrics.failedBatches.add()
            if error.isConflict { metrics.conflicts.add() }
            if error.isDamage {
                health.damaged(error.message)
            } else if !error.isConflict, !error.isOfOneChange {
                if isRequest {
                    health.refused(.writing, error.message)
                } else {
                    health.failed(error.message)
                }
            }
        case .weaklyCommitted:
            health.failed("a commit did not wait for the standby, since somebody cancelled that")
        case .lost: break
        }
        return nil
    }

    /// Answers those who have waited too long.
    func expire(cameBefore moment: Int) {
        for change in batch?.changes ?? [] where change.since < moment { queue.abandon(change) }
        let late = uncertain.filter { $0.since < moment }
        guard !late.isEmpty else { return }
        uncertain.removeAll { $0.since < moment }
        undos.add(late.compactMap(queue.giveUp))
    }

    /// To be done before all else.
    func add(_ more: [Undo]) { undos.add(more) }
}

// MARK: Batches

extension WriteSlot {
    private func send(_ batch: WriteBatch, _ link: Link) {
        self.batch = batch
        let steps = batch.steps(node: node)
        guard !steps.isEmpty else {
            // There are only exchanges to be asked about, and revocations of nothing.
            batch.read([], settle)
            return ask(batch, link)
        }
        began = Clock.monotonicMicroseconds()
        link.run(steps) { [self] outcome in
            if let results = noted(outcome, isRequest: true) {
                health.served(.writing)
                metrics.commits.observe(Clock.monotonicMicroseconds() - began)
                metrics.batchSizes.observe(batch.changes.count)
                batch.read(results, settle)
                ask(batch, link)
            } else {
                failed(batch, batch.changes, outcome, link)
            }
            afterwards()
        }
    }

    /// Answers a change, or undoes what came too late.
    func settle(_ change: PendingChange, _ answer: ChangeAnswer) {
        guard change.isAnswered, let attempt = change.redemption else {
            return queue.answer(change, answer)
        }
        if case .success(.redeemed(.redeemed)) = answer {
            undos.add([Undo(attempt)])
        } else {
            queue.settle(attempt.code)
        }
    }

    /// Asks about the exchanges that no statement has spent.
    private func ask(_ batch: WriteBatch, _ link: Link) {
        batch.sortQuestions()
        let questions = batch.questions.filter { change in
            guard change.isAnswered else { return true }
            // Nobody waits for it. Where it may have been done before, it is to be undone.
            if let undo = queue.giveUp(change) { undos.add([undo]) }
            return false
        }
        guard !questions.isEmpty else {
            self.batch = nil
            return
        }
        // An answer may rest on what another has changed, and that must not be lost after it.
        link.run([ChangeParameters.question(questions), nodeStep]) { [self] outcome in
            if let result = noted(outcome, isRequest: true)?.first {
                self.batch = nil
                follow(judge(questions, result), batch, link)
            } else {
                failed(batch, questions, outcome, link)
            }
            afterwards()
        }
    }

    /// - Returns: what is left to do for some of them.
    private func judge(_ questions: [PendingChange], _ result: ServerResult) -> [FollowUp] {
        var followUps: [FollowUp] = []
        var rows = [Int?](repeating: nil, count: questions.count)
        for row in 0..<result.rowCount {
            let index = Int(result.number(row, 0)) - 1
            if rows.indices.contains(index) { rows[index] = row }
        }
        for (change, row) in zip(questions, rows) {
            guard let attempt = change.redemption else { continue }
            guard let row else {
                settle(change, .success(.redeemed(.refused(.unknown))))
                continue
            }
            switch CodeRow.judge(attempt, mayBeDone: change.mayBeDone, result, row) {
            case .answer(let outcome): settle(change, .success(.redeemed(outcome)))
            case .replayed(let outcome, let issuedAt):
                replayed(change, attempt, outcome, issuedAt)
            case .followUp(let kind, let token):
                followUps.append(
                    FollowUp(change: change, attempt: attempt, token: token, kind: kind))
            case .admitted: spendAgain(change)
            case .senseless:
                health.failed("a row of codes makes no sense")
                giveUp([change])
            }
        }
        return followUps
    }

    func replayed(
        _ change: PendingChange, _ attempt: Redemption, _ outcome: RedemptionOutcome,
        _ tokenIssuedAt: Milliseconds
    ) {
        if health.mayBeUndone(tokenIssuedAt: tokenIssuedAt, now: attempt.now) {
            giveUp([change])
        } else {
            settle(change, .success(.redeemed(outcome)))
        }
    }

    private static let surprisesMax = 3

    func spendAgain(_ change: PendingChange) {
        change.surprises += 1
        if change.isAnswered || change.surprises > WriteSlot.surprisesMax {
            giveUp([change])
        } else {
            queue.putBack([change])
        }
    }

    private func giveUp(_ changes: [PendingChange]) { undos.add(changes.compactMap(queue.giveUp)) }

    /// - Parameter changes: those of the batch that are not known about.
    func failed(
        _ batch: WriteBatch, _ changes: [PendingChange], _ outcome: TransactionOutcome, _ link: Link
    ) {
        self.batch = nil
        switch outcome {
        case .committed: preconditionFailure("what was committed has not failed")
        case .lost, .weaklyCommitted:
            metrics.uncertain.add(changes.count)
            for change in changes { change.mayBeDone = true }
            giveUp(changes.filter(\.isAnswered))
            uncertain = changes.filter { !$0.isAnswered } + uncertain
        case .rolledBack(let error):
            if error.isConflict, batch.conflicts < WriteSlot.conflictsMax {
                batch.conflicts += 1
                return again(batch, changes, link)
            }
            if error.isOfOneChange, changes.count > 1 {
                for change in changes { change.isAlone = true }
                giveUp(changes.filter(\.isAnswered))
                return queue.putBack(changes)
            }
            giveUp(changes)
        }
    }

    /// The same once more, after it has met another transaction.
    private func again(_ batch: WriteBatch, _ changes: [PendingChange], _ link: Link) {
        giveUp(changes.filter(\.isAnswered))
        let left = changes.filter { !$0.isAnswered }
        guard !left.isEmpty else { return }
        let next = WriteBatch(left)
        next.conflicts = batch.conflicts
        send(next, link)
    }
}

// MARK: Undoing, and chores

extension WriteSlot {
    private func undo(_ some: [Undo], _ link: Link) {
        // One that is repeated finds nothing to undo, and has to wait for the standby all the same.
        link.run([Step(.undo, Undo.parameters(some)), nodeStep]) { [self] outcome in
            if noted(outcome) != nil {
                undos.done(some.count)
                metrics.undone.add(some.count)
                for undo in some { queue.settle(undo.code) }
            } else if case .rolledBack(let error) = outcome {
                undos.failed(
                    some.count, isOfOne: error.isOfOneChange || error.isDamage,
                    now: Clock.monotonicMicroseconds())
            }
            afterwards()
        }
    }

    private func run(_ chore: PendingChore, _ link: Link) {
        link.run(chores.begin(chore)) { [self] outcome in
            chores.end(chore, noted(outcome))
            afterwards()
        }
    }
}
