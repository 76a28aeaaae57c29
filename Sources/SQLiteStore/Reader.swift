// The thread that reads: questions about tokens, never on a loop's thread, and through a connection
// that cannot write or checkpoint.

import Tokens

/// What the reader is asked.
enum Question: Sendable {
    case token(Identifier, now: Milliseconds)
    case ccgToken(Identifier)
    /// Can anything be read?
    case probe
}

/// What was found.
enum Finding: Sendable {
    case token(AccessToken?)
    case ccgToken(CCGToken?)
    case readable

    var token: AccessToken?? { if case .token(let token) = self { token } else { nil } }
    var ccgToken: CCGToken?? { if case .ccgToken(let token) = self { token } else { nil } }
}

typealias Answer = Result<Finding, StoreError>

/// Answers questions until its queue is closed. Lives on its thread.
///
/// Its health changes with the first question that fails, and back with a probe that does not: one row
/// that cannot be read, asked for again and again among others, must not fill the log.
final class Reader {
    private let select: Statement
    private let selectCCG: Statement
    private let digest = Digest()
    private let health: StoreHealth

    init(_ database: Database, health: StoreHealth) throws(DatabaseError) {
        self.health = health
        select = try database.prepare(
            """
            SELECT \(TokenRow.columns)
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
                return .success(.token(token.flatMap { $0.isActive(at: now) ? $0 : nil }))
            case .ccgToken(let id):
                return .success(.ccgToken(try findCCG(id)))
            case .probe:
                let nobody = Identifier(issuedAt: 0, randomHigh: 0, randomLow: 0)
                _ = try find(nobody)
                _ = try findCCG(nobody)
                health.recovered(.reading)
                return .success(.readable)
            }
        } catch {
            health.failed(.reading, error.description)
            return .failure(.unavailable)
        }
    }

    private func findCCG(_ id: Identifier) throws(DatabaseError) -> CCGToken? {
        defer { selectCCG.reset() }
        try selectCCG.bind(1, id.issuedAt)
        digest.set(id)
        guard try selectCCG.step() else { return nil }
        return CCGToken(
            id: id, institution: selectCCG.institution(0), provider: selectCCG.provider(1),
            expiresAt: selectCCG.integer(2))
    }

    private func find(_ id: Identifier) throws(DatabaseError) -> AccessToken? {
        defer { select.reset() }
        try select.bind(1, id.issuedAt)
        digest.set(id)
        guard try select.step() else { return nil }
        return try TokenRow.token(id, select)
    }
}
