// A token as it stands in a row. Both threads read it.

import Tokens

enum TokenRow {
    /// What `token` reads, in this order.
    static let columns = """
        institution, provider, scope, consent, account, expires_at, code_issued_at, holder
        """
    static let consentColumn: Int32 = 3

    static func token(
        _ id: Identifier, _ row: borrowing some Columns
    ) throws(DatabaseError) -> AccessToken {
        AccessToken(
            id: id, institution: row.institution(0), provider: row.provider(1),
            scope: try row.scope(2),
            consent: Consent(
                id: row.text(consentColumn), accountID: row.text(4), holder: try holder(row)),
            // Until version 3 of the file nobody wrote down when the code was made.
            codeIssuedAt: row.optionalInteger(6) ?? id.issuedAt,
            expiresAt: row.optionalInteger(5))
    }

    /// One that cannot be read must not look like a token that anybody may use.
    private static func holder(
        _ row: borrowing some Columns
    ) throws(DatabaseError) -> Thumbprint? {
        if row.isNull(7) { return nil }
        guard let holder = Thumbprint(row.blob(7)) else {
            throw .corrupt("a thumbprint that no version has written")
        }
        return holder
    }
}
