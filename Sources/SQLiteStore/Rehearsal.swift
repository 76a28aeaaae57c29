// An exchange that is undone: can the file take one?

import Tokens

extension Transactions {
    /// Makes a code and exchanges it, and undoes both: where a part of the file is damaged, this
    /// finds out whether requests can be answered all the same. Outside of transactions.
    func rehearse(now: Milliseconds) throws(DatabaseError) {
        // As large as they come: where a page has no room, it is split with those beside it.
        let name = String(repeating: "x", count: 512)
        let code = AuthorizationCode(
            id: Identifier(issuedAt: now, randomHigh: 0, randomLow: 0),
            institution: Institution.ID(0), provider: Provider.ID(0),
            redirectURI: Provider.RedirectURI.ID(0), scope: .accounts,
            consent: Consent(id: name, accountID: name), state: nil, expiresAt: now + 1)
        let attempt = Redemption(
            code: code.id, institution: code.institution, provider: code.provider,
            redirectURI: code.redirectURI, now: now, token: code.id, tokenExpiresAt: nil,
            authorisation: .full)
        do throws(DatabaseError) {
            try begin()
            try insert(code)
            _ = try redeem(attempt)
            try database.undo()
        } catch {
            throw rollback(error)
        }
    }
}
