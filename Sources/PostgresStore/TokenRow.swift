// A token as it stands in a row of an answer.

import Tokens

enum TokenRow {
    /// - Parameter row: `n`, institution, provider, scope, consent, account, expires_at, code_issued_at, holder.
    /// - Returns: nil where it has what no version has written.
    static func token(_ id: Identifier, _ result: ServerResult, _ row: Int) -> AccessToken? {
        guard let scope = Scope(rawValue: UInt8(truncatingIfNeeded: result.number(row, 3))) else {
            return nil
        }
        let thumbprint = result.optionalBytes(row, 8)
        let holder = thumbprint.flatMap { Thumbprint($0) }
        // One that cannot be read must not look like a token that anybody may use.
        if thumbprint != nil, holder == nil { return nil }
        return AccessToken(
            id: id, institution: result.institution(row, 1), provider: result.provider(row, 2),
            scope: scope,
            consent: Consent(
                id: result.text(row, 4), accountID: result.text(row, 5), holder: holder),
            codeIssuedAt: result.optionalNumber(row, 7) ?? id.issuedAt,
            expiresAt: result.optionalNumber(row, 6))
    }
}

extension ServerResult {
    func institution(_ row: Int, _ column: Int32) -> Institution.ID {
        Institution.ID(UInt32(truncatingIfNeeded: number(row, column)))
    }

    func provider(_ row: Int, _ column: Int32) -> Provider.ID {
        Provider.ID(UInt32(truncatingIfNeeded: number(row, column)))
    }

    func redirectURI(_ row: Int, _ column: Int32) -> Provider.RedirectURI.ID {
        Provider.RedirectURI.ID(UInt32(truncatingIfNeeded: number(row, column)))
    }
}
