// What the store's thread is asked, and what it answers.

import Tokens

/// A change, for a writing connection.
enum Change: Sendable {
    case insert(AuthorizationCode)
    case insertCCG(CCGToken)
    case redeem(Redemption)
    case revoke([Identifier], of: Set<Institution.ID>)
    case revokeConsent(ConsentRevocation, now: Milliseconds)
}

/// What came of a change.
enum ChangeResult: Sendable {
    case done
    case redeemed(RedemptionOutcome)
    case revoked(AccessToken?)

    var isDone: Void? { if case .done = self { () } else { nil } }
    var revoked: AccessToken?? { if case .revoked(let token) = self { token } else { nil } }
}

typealias ChangeAnswer = Result<ChangeResult, StoreError>

/// A question, for the reading connection.
enum Question: Sendable {
    case token(Identifier, now: Milliseconds)
    case ccgToken(Identifier)
}

/// What was found.
enum Finding: Sendable {
    case token(AccessToken?)
    case ccgToken(CCGToken?)

    var token: AccessToken?? { if case .token(let token) = self { token } else { nil } }
    var ccgToken: CCGToken?? { if case .ccgToken(let token) = self { token } else { nil } }
}

typealias QuestionAnswer = Result<Finding, StoreError>

/// To remove what has expired by then. The answer says when to ask again.
struct Chore: Sendable {
    let now: Milliseconds
}

typealias ChoreAnswer = Result<Milliseconds, StoreError>
