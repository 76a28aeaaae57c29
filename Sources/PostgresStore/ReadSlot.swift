// The reading connection: look-ups, by the batch like changes, and always where changes are made, so
// that what was answered is found.

import System
import Tokens
import UV

/// The store's thread.
final class ReadSlot {
    private struct Pending {
        let question: Question
        let ticket: Ticket<Question, QuestionAnswer>
        /// When it came, in monotonic microseconds.
        let since: Int
        /// It has waited too long, and been refused.
        var isAnswered = false
    }

    private let inbox: Inbox<Question, QuestionAnswer>
    private let health: StoreHealth
    private let metrics: StoreMetrics
    private let afterwards: () -> Void
    private var waiting: [Pending] = []
    /// As long as they are not answered.
    private var asked: [Pending] = []
    private(set) weak var link: Link?

    init(
        _ inbox: Inbox<Question, QuestionAnswer>, _ health: StoreHealth, _ metrics: StoreMetrics,
        afterwards: @escaping () -> Void
    ) {
        (self.inbox, self.health, self.metrics) = (inbox, health, metrics)
        self.afterwards = afterwards
    }

    func use(_ link: Link) { self.link = link }

    /// Could take something up now.
    var isFree: Bool { link?.isReady == true }

    /// Leaves what comes where it is, until the next `take`.
    func rest() { inbox.rest() }

    /// Takes what has come.
    func take(at now: Int) {
        inbox.take { ticket in
            let pending = Pending(question: ticket.job, ticket: ticket, since: now)
            if waiting.count < ChangeQueue.waitingMax {
                waiting.append(pending)
            } else {
                inbox.answer(ticket, .failure(.unavailable))
            }
        }
        metrics.waitingQuestions.set(waiting.count + asked.count)
    }

    func deliver() { inbox.deliver() }

    var owesNothing: Bool { waiting.isEmpty && asked.isEmpty && inbox.queue.count == 0 }

    /// Answers those who have waited too long: it is known that they have changed nothing.
    func expire(cameBefore moment: Int) {
        for pending in waiting where pending.since < moment {
            inbox.answer(pending.ticket, .failure(.unavailable))
        }
        waiting.removeAll { $0.since < moment }
        for index in asked.indices where asked[index].since < moment && !asked[index].isAnswered {
            inbox.answer(asked[index].ticket, .failure(.unavailable))
            asked[index].isAnswered = true
        }
    }

    func work() {
        guard let link, link.isReady, !waiting.isEmpty else { return }
        asked = Array(waiting.prefix(ChangeQueue.batchMax))
        waiting.removeFirst(asked.count)
        var tokens: [(index: Int, id: Identifier)] = []
        var ccgTokens: [(index: Int, id: Identifier)] = []
        for (index, pending) in asked.enumerated() {
            switch pending.question {
            case .token(let id, _): tokens.append((index, id))
            case .ccgToken(let id): ccgTokens.append((index, id))
            }
        }
        let looks = [(Statement.tokens, tokens), (.ccgTokens, ccgTokens)].filter { !$0.1.isEmpty }
        link.run(looks.map { ReadSlot.step($0, $1) }) { [self] outcome in
            ended(outcome, looks.map(\.1))
            afterwards()
        }
    }

    private static func step(
        _ statement: Statement, _ ids: [(index: Int, id: Identifier)]
    ) -> Step {
        var parameters = Parameters(reserving: 64 * ids.count)
        parameters.add(numbers: ids) { $0.id.issuedAt }
        parameters.add(digests: ids) { $0.id }
        return Step(statement, parameters)
    }

    /// Finds out whether questions are answered, where nobody asks.
    func probe() {
        guard let link, link.isReady, owesNothing else { return }
        link.run([Step(.process)]) { [self] outcome in
            if case .committed = outcome { health.succeeded(.reading) }
            afterwards()
        }
    }

    private func ended(
        _ outcome: TransactionOutcome, _ ids: [[(index: Int, id: Identifier)]]
    ) {
        let asked = asked
        self.asked = []
        switch outcome {
        case .committed(let results):
            health.served(.reading)
            var answers = asked.map { ReadSlot.nothing($0.question) }
            for (ids, result) in zip(ids, results) { read(result, ids, asked, &answers) }
            for (pending, answer) in zip(asked, answers) where !pending.isAnswered {
                inbox.answer(pending.ticket, answer)
            }
        case .rolledBack(let error):
            if error.isDamage {
                health.damaged(error.message)
            } else if !error.isConflict {
                health.refused(.reading, error.message)
            }
            for pending in asked where !pending.isAnswered {
                inbox.answer(pending.ticket, .failure(.unavailable))
            }
        case .lost, .weaklyCommitted:
            // They have changed nothing.
            waiting.insert(contentsOf: asked.filter { !$0.isAnswered }, at: 0)
        }
    }

    private static func nothing(_ question: Question) -> QuestionAnswer {
        switch question {
        case .token: .success(.token(nil))
        case .ccgToken: .success(.ccgToken(nil))
        }
    }

    private func read(
        _ result: ServerResult, _ ids: [(index: Int, id: Identifier)], _ asked: [Pending],
        _ answers: inout [QuestionAnswer]
    ) {
        for row in 0..<result.rowCount {
            let place = Int(result.number(row, 0)) - 1
            guard ids.indices.contains(place) else { continue }
            let (index, id) = ids[place]
            switch asked[index].question {
            case .token(_, let now):
                guard let token = TokenRow.token(id, result, row) else {
                    answers[index] = .failure(.unavailable)
                    continue
                }
                let isRevoked =
                    result.optionalNumber(row, 9).map { token.codeIssuedAt <= $0 } ?? false
                if token.isActive(at: now), !isRevoked { answers[index] = .success(.token(token)) }
            case .ccgToken:
                answers[index] = .success(
                    .ccgToken(
                        CCGToken(
                            id: id, institution: result.institution(row, 1),
                            provider: result.provider(row, 2), expiresAt: result.number(row, 3))))
            }
        }
    }
}
