// The thread that reads: questions about tokens, never on a loop's thread, and through a connection
// that cannot write or checkpoint.

import StoreThreads
import Tokens

/// What the reader is asked.
enum Question: Sendable {
    case token(Identifier)
    case ccgToken(Identifier)
    /// Can anything be read?
    case probe

    /// Where the answer stands; nil: all over the file.
    var table: String? {
        switch self {
        case .token: "tokens"
        case .ccgToken: "ccg_tokens"
        case .probe: nil
        }
    }
}

/// What was found.
enum Finding: Sendable {
    /// Active or not.
    case token(AccessToken?)
    case ccgToken(CCGToken?)
    case readable

    var ccgToken: CCGToken?? { if case .ccgToken(let token) = self { token } else { nil } }
}

typealias Answer = Result<Finding, StoreError>

/// Answers questions until its queue is closed. Lives on its thread.
///
/// Its health changes with the first question that fails, and back with a probe that does not: one row
/// that cannot be read, asked for again and again among others, must not fill the log. A question that
/// meets damage says nothing of the others, so only a probe says that nothing can be read.
final class Reader {
    private let select: Statement
    private let selectCCG: Statement
    private let digest = Digest()
    private let health: StoreHealth
    private let metrics: StoreMetrics

    init(
        _ database: Database, health: StoreHealth, metrics: StoreMetrics
    ) throws(DatabaseError) {
        self.health = health
        self.metrics = metrics
        select = try database.prepare(
            """
            SELECT \(TokenRow.columns), \(RevokedConsentTable.moment(ofRowsIn: "tokens"))
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
            case .token(let id):
                return .success(.token(try find(id)))
            case .ccgToken(let id):
                return .success(.ccgToken(try findCCG(id)))
            case .probe:
                try probe { (id) throws(DatabaseError) in _ = try find(id) }
                try probe { (id) throws(DatabaseError) in _ = try findCCG(id) }
                health.recovered(.reading)
                return .success(.readable)
            }
        } catch {
            failed(question, error)
            return .failure(.unavailable)
        }
    }

    /// A table can be read where one of its edges can: then its root is whole.
    private func probe(_ find: (Identifier) throws(DatabaseError) -> Void) throws(DatabaseError) {
        do throws(DatabaseError) {
            try find(Identifier(issuedAt: 0, randomHigh: 0, randomLow: 0))
        } catch {
            guard error.isDamage else { throw error }
            try find(Identifier(issuedAt: .max, randomHigh: 0, randomLow: 0))
        }
    }

    private func failed(_ question: Question, _ error: DatabaseError) {
        guard error.isDamage, let table = question.table else {
            return health.failed(.reading, error.description)
        }
        let isFirst = !health.isFailing(.damage)
        metrics.damagedQuestions.add()
        health.failed(.damage, "table \(table): \(error.description)")
        if isFirst { _ = answer(.probe) }
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
        let token = try TokenRow.token(id, select)
        if let until = select.optionalInteger(8), token.codeIssuedAt <= until { return nil }
        return token
    }
}
