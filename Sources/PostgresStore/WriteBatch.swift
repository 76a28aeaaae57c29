// What a batch of changes asks the database, and what the answers say. Judges nothing by itself.

import Tokens

/// Changes that share a transaction. The store's thread.
final class WriteBatch {
    private enum Part { case node, insert, spend, revoke, consent, ccgToken }

    let changes: [PendingChange]
    /// Some of it may have happened, so it has to make a change of its own.
    private var isRepetition: Bool { changes.contains(where: \.mayBeDone) }
    private var parts: [Part] = []
    /// In the order in which they are sent: sorted, so that two batches cannot wait for each other.
    private var spending: [Spending] = []
    private var revoking: [(change: PendingChange, id: Identifier)] = []
    /// All but exchanges.
    private var others: [(pending: PendingChange, change: Change)] = []
    /// Exchanges that no statement has spent, to be asked about.
    private(set) var questions: [PendingChange] = []
    /// How often it has met another transaction, and gone back for it.
    var conflicts = 0

    init(_ changes: [PendingChange]) { self.changes = changes }

    /// What the first transaction is. Empty where there is nothing but questions.
    ///
    /// - Parameter node: the row of `nodes` that a repetition changes.
    func steps(node: [UInt8]) -> [Step] {
        var codes: [AuthorizationCode] = []
        var ccgTokens: [CCGToken] = []
        var consents: [(ConsentRevocation, Milliseconds)] = []
        // Of its own until it is whole: each change of a property across a call is checked.
        var found: [Spending] = []
        (questions, revoking, others) = ([], [], [])
        found.reserveCapacity(changes.count)
        for (index, change) in changes.enumerated() {
            let asked = change.change
            switch asked {
            case .insert(let code): codes.append(code)
            case .insertCCG(let token): ccgTokens.append(token)
            case .redeem(let attempt):
                if let one = Spending(attempt, index) {
                    found.append(one)
                } else {
                    questions.append(change)
                }
            case .revoke(let candidates, _):
                for id in candidates { revoking.append((change, id)) }
            case .revokeConsent(let consent, let now): consents.append((consent, now))
            }
            if case .redeem = asked { continue }
            others.append((change, asked))
        }
        // Places are moved about, and each exchange once: it has a hundred bytes and more.
        spending = found.indices.sorted { found[$0].code < found[$1].code }.map { found[$0] }
        revoking.sort { $0.id < $1.id }
        var steps: [(Part, Step)] = []
        // A revocation may find that another has done it, and a read waits for nobody.
        if isRepetition || !revoking.isEmpty || !consents.isEmpty {
            steps.append((.node, WriteBatch.nodeStep(node)))
        }
        if !codes.isEmpty { steps.append((.insert, ChangeParameters.insert(codes))) }
        if !spending.isEmpty { steps.append((.spend, ChangeParameters.spend(spending))) }
        if !revoking.isEmpty { steps.append((.revoke, ChangeParameters.revoke(revoking))) }
        if !consents.isEmpty { steps.append((.consent, ChangeParameters.revoke(consents))) }
        if !ccgTokens.isEmpty { steps.append((.ccgToken, ChangeParameters.insert(ccgTokens))) }
        parts = steps.map(\.0)
        return steps.map(\.1)
    }

    /// A change that means nothing else.
    static func nodeStep(_ node: [UInt8]) -> Step {
        var parameters = Parameters()
        parameters.add(bytes: node)
        return Step(.node, parameters)
    }

    /// What has become of the changes, but for those in `questions`.
    ///
    /// - Parameter each: is told of each once.
    func read(_ results: [ServerResult], _ each: (PendingChange, ChangeAnswer) -> Void) {
        for (part, result) in zip(parts, results) {
            switch part {
            case .spend: readSpent(result, each)
            case .revoke: readRevoked(result, each)
            case .node, .insert, .consent, .ccgToken: break
            }
        }
        for (pending, change) in others {
            switch change {
            case .insert, .insertCCG, .revokeConsent: each(pending, .success(.done))
            case .revoke(let candidates, _):
                if candidates.isEmpty { each(pending, .success(.revoked(nil))) }
            case .redeem: break
            }
        }
    }

    private func readSpent(
        _ result: ServerResult, _ each: (PendingChange, ChangeAnswer) -> Void
    ) {
        let spending = spending
        var isSpent = [Bool](repeating: false, count: spending.count)
        for row in 0..<result.rowCount {
            // Counted from 1.
            let index = Int(result.number(row, 0)) - 1
            guard spending.indices.contains(index) else { continue }
            isSpent[index] = true
            let consent =
                spending[index].isAudited
                ? Consent(id: result.text(row, 2), accountID: result.text(row, 3)) : nil
            each(
                changes[spending[index].index],
                .success(
                    .redeemed(.redeemed(state: result.optionalText(row, 1), consent: consent))))
        }
        for (one, isSpent) in zip(spending, isSpent) where !isSpent {
            questions.append(changes[one.index])
        }
    }

    /// A repetition that finds nothing may have revoked the token before.
    private func readRevoked(
        _ result: ServerResult, _ each: (PendingChange, ChangeAnswer) -> Void
    ) {
        var revoked: [ObjectIdentifier: AccessToken] = [:]
        for row in 0..<result.rowCount {
            let index = Int(result.number(row, 0)) - 1
            guard revoking.indices.contains(index) else { continue }
            let (change, id) = revoking[index]
            revoked[ObjectIdentifier(change)] = TokenRow.token(id, result, row)
        }
        for (pending, change) in others {
            guard case .revoke(let candidates, _) = change, !candidates.isEmpty else { continue }
            let token = revoked[ObjectIdentifier(pending)]
            each(
                pending,
                token == nil && pending.mayBeDone
                    ? .failure(.outcomeUnknown) : .success(.revoked(token)))
        }
    }

    /// Who has to be asked about, in the order of the codes.
    func sortQuestions() {
        questions = questions.map { ($0.redemption?.code, $0) }
            .sorted { one, other in
                guard let one = one.0, let other = other.0 else { return false }
                return one < other
            }.map(\.1)
    }
}
