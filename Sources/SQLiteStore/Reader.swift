// The thread that reads: questions about tokens, never on a loop's thread, and through a connection
// that cannot write or checkpoint.

import Tokens

/// A question with the address of whoever waits for the answer.
struct QueuedQuestion: Sendable {
    let token: Identifier
    let now: Milliseconds
    let ticket: Int
    let mailbox: Mailbox
}

/// Answers questions until its queue is closed. Lives on its thread.
final class Reader {
    private let select: Statement

    init(_ database: Database) throws(DatabaseError) {
        select = try database.prepare(
            """
            SELECT institution, provider, scope, consent, account, expires_at
            FROM tokens WHERE issued_at = ? AND digest = ?
            """)
    }

    func run(_ queue: JobQueue<QueuedQuestion>) {
        while let questions = queue.take() {
            for question in questions {
                question.mailbox.deliver([(question.ticket, answer(question))])
            }
        }
    }

    private func answer(_ question: QueuedQuestion) -> JobResult {
        do throws(DatabaseError) {
            let token = try find(question.token)
            return .token(token.flatMap { $0.isActive(at: question.now) ? $0 : nil })
        } catch {
            return .failed
        }
    }

    private func find(_ id: Identifier) throws(DatabaseError) -> AccessToken? {
        defer { select.reset() }
        try select.bind(1, id.issuedAt)
        try select.bind(2, Transactions.digest(id))
        guard try select.step() else { return nil }
        return AccessToken(
            id: id, institution: Institution.ID(UInt32(truncatingIfNeeded: select.integer(0))),
            provider: Provider.ID(UInt32(truncatingIfNeeded: select.integer(1))),
            scope: try Transactions.scope(select.integer(2)),
            consent: Consent(id: select.text(3), accountID: select.text(4)),
            expiresAt: select.isNull(5) ? nil : select.integer(5))
    }
}
