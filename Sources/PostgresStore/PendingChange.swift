// One change, from being asked for to being answered, and behind that where it has to be undone.

import Tokens

/// The store's thread.
final class PendingChange {
    let ticket: Ticket<Change, ChangeAnswer>
    /// When it came, in monotonic microseconds.
    let since: Int
    /// It is to be sent without others: one of those that it was sent with is at fault.
    var isAlone = false
    /// It has been sent on a connection that was lost then, so it may have happened.
    var mayBeDone = false
    /// Whoever asked has been told something, once.
    private(set) var isAnswered = false
    /// How often a code stood as if it was to be spent, after it was not.
    var surprises = 0

    init(_ ticket: Ticket<Change, ChangeAnswer>, since: Int) {
        self.ticket = ticket
        self.since = since
    }

    /// A copy: it stays where the loop has put it.
    var change: Change { ticket.job }

    var redemption: Redemption? {
        if case .redeem(let attempt) = change { attempt } else { nil }
    }

    /// - Returns: false where it was answered before.
    func markAnswered() -> Bool {
        defer { isAnswered = true }
        return !isAnswered
    }
}

extension Redemption {
    /// As rows have it.
    var number: Int64? { proof.map { Int64(bitPattern: $0.attempt) } }
}

/// An exchange that nobody has been told of: its code is to be good again, and its token to go.
struct Undo {
    let code: Identifier
    let token: Identifier
    /// Others may have the same token.
    let attempt: Int64?

    init(_ attempt: Redemption) {
        (code, token, self.attempt) = (attempt.code, attempt.token, attempt.number)
    }

    static func parameters(_ undos: [Undo]) -> Parameters {
        var parameters = Parameters(reserving: 128 * undos.count)
        parameters.add(numbers: undos) { $0.code.issuedAt }
        parameters.add(digests: undos) { $0.code }
        parameters.add(numbers: undos) { $0.token.issuedAt }
        parameters.add(digests: undos) { $0.token }
        parameters.add(numbers: undos) { $0.attempt }
        return parameters
    }
}
