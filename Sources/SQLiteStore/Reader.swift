// The thread that reads: questions about tokens, never on a loop's thread, and through a connection
// that cannot write or checkpoint.

import Tokens

/// What the reader is asked.
enum Question: Sendable {
    case token(Identifier, now: Milliseconds)
    case ccgToken(Identifier)
}

/// What came of a question.
enum Answer: Sendable {
    case token(AccessToken?)
    case ccgToken(CCGToken?)
    case failed
}

/// Answers questions until its queue is closed. Lives on its thread.
final class Reader {
    private let select: Statement
    private let selectCCG: Statement
    private let digest = Digest()

    init(_ database: Database) throws(DatabaseError) {
        select = try database.prepare(
            """
            SELECT institution, provider, scope, consent, account, expires_at
            FROM tokens WHERE issued_at = ? AND digest = ?
            """)
        selectCCG = try database.prepare(
            """
            SELECT institution, provider, expires_at
            FROM ccg_tokens WHERE issued_at = ? AND digest = ?
            """)
        try select.bind(2, to: digest.bytes)
        try selectCCG.bind(2, to: digest.bytes)
    }

    func run(_ queue: ParcelQueue<Question, Answer>) {
        while let parcels = queue.take() {
            Parcel.answer(parcels[...], parcels.map { $0.jobs.map(answer) })
        }
    }

    private func answer(_ question: Question) -> Answer {
        do throws(DatabaseError) {
            switch question {
            case .token(let id, let now):
                let token = try find(id)
                return .token(token.flatMap { $0.isActive(at: now) ? $0 : nil })
            case .ccgToken(let id):
                return .ccgToken(try findCCG(id))
            }
        } catch {
            return .failed
        }
    }

    private func findCCG(_ id: Identifier) throws(DatabaseError) -> CCGToken? {
        defer { selectCCG.reset() }
        try selectCCG.bind(1, id.issuedAt)
        digest.set(id)
        guard try selectCCG.step() else { return nil }
        return CCGToken(
            id: id, institution: Institution.ID(UInt32(truncatingIfNeeded: selectCCG.integer(0))),
            provider: Provider.ID(UInt32(truncatingIfNeeded: selectCCG.integer(1))),
            expiresAt: selectCCG.integer(2))
    }

    private func find(_ id: Identifier) throws(DatabaseError) -> AccessToken? {
        defer { select.reset() }
        try select.bind(1, id.issuedAt)
        digest.set(id)
        guard try select.step() else { return nil }
        return AccessToken(
            id: id, institution: Institution.ID(UInt32(truncatingIfNeeded: select.integer(0))),
            provider: Provider.ID(UInt32(truncatingIfNeeded: select.integer(1))),
            scope: try Transactions.scope(select.integer(2)),
            consent: Consent(id: select.text(3), accountID: select.text(4)),
            expiresAt: select.isNull(5) ? nil : select.integer(5))
    }
}
