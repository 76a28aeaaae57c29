// Changes as the arrays that statements take.

import Tokens

enum ChangeParameters {
    static func insert(_ codes: [AuthorizationCode]) -> Step {
        var parameters = Parameters(reserving: 256 * codes.count)
        parameters.add(numbers: codes) { $0.id.issuedAt }
        parameters.add(digests: codes) { $0.id }
        parameters.add(numbers: codes) { Int64($0.institution.number) }
        parameters.add(numbers: codes) { Int64($0.provider.number) }
        parameters.add(numbers: codes) { Int64($0.redirectURI.number) }
        parameters.add(smallNumbers: codes) { Int16($0.scope.rawValue) }
        parameters.add(bytes: codes) { $0.consent.id.utf8 }
        parameters.add(bytes: codes) { $0.consent.accountID.utf8 }
        parameters.add(bytes: codes) { $0.state?.utf8 }
        parameters.add(numbers: codes) { $0.expiresAt }
        return Step(.insertCodes, parameters)
    }

    static func insert(_ tokens: [CCGToken]) -> Step {
        var parameters = Parameters(reserving: 128 * tokens.count)
        parameters.add(numbers: tokens) { $0.id.issuedAt }
        parameters.add(digests: tokens) { $0.id }
        parameters.add(numbers: tokens) { Int64($0.institution.number) }
        parameters.add(numbers: tokens) { Int64($0.provider.number) }
        parameters.add(numbers: tokens) { $0.expiresAt }
        return Step(.insertCCGTokens, parameters)
    }

    static func spend(_ spendings: [Spending]) -> Step {
        var parameters = Parameters(reserving: 256 * spendings.count)
        parameters.add(numbers: spendings) { $0.code.issuedAt }
        parameters.add(digests: spendings) { $0.code }
        parameters.add(numbers: spendings) { Int64($0.institution.number) }
        parameters.add(numbers: spendings) { Int64($0.provider.number) }
        parameters.add(numbers: spendings) { Int64($0.redirectURI.number) }
        parameters.add(numbers: spendings) { $0.now }
        parameters.add(numbers: spendings) { $0.token.issuedAt }
        parameters.add(digests: spendings) { $0.token }
        parameters.add(numbers: spendings) { $0.tokenExpiresAt }
        parameters.add(spendings.contains(where: \.isAudited))
        // Where it is shorter than the others, the rest is NULL.
        let hasNumbers = spendings.contains { $0.attempt != nil }
        parameters.add(numbers: hasNumbers ? spendings : []) { $0.attempt }
        // A bit for each scope that the provider is authorised for.
        parameters.add(smallNumbers: spendings) { $0.services }
        let hasHolders = spendings.contains { $0.holder != nil }
        parameters.add(bytes: hasHolders ? spendings : []) { $0.holder?.bytes }
        return Step(.spend, parameters)
    }

    /// - Parameter changes: exchanges, all of them.
    static func question(_ changes: [PendingChange]) -> Step {
        let attempts = changes.compactMap(\.redemption)
        var parameters = Parameters(reserving: 128 * attempts.count)
        parameters.add(numbers: attempts) { $0.code.issuedAt }
        parameters.add(digests: attempts) { $0.code }
        // Without an institution nothing is revoked: what comes with a key is judged first.
        parameters.add(numbers: attempts) {
            $0.proof == nil ? Int64($0.institution.number) : nil
        }
        parameters.add(digests: attempts) { $0.token }
        return Step(.question, parameters)
    }

    /// - Parameter revocations: what each change revokes may be known by several identifiers.
    static func revoke(_ revocations: [(change: PendingChange, id: Identifier)]) -> Step {
        var parameters = Parameters(reserving: 128 * revocations.count)
        parameters.add(numbers: revocations) { $0.id.issuedAt }
        parameters.add(digests: revocations) { $0.id }
        parameters.add(bytes: revocations, isText: true) { change, _ in
            guard case .revoke(_, let institutions) = change.change else { return "{}".utf8 }
            return "{\(institutions.map { "\($0.number)" }.joined(separator: ","))}".utf8
        }
        return Step(.revokeTokens, parameters)
    }

    /// In the place of an institution: any.
    private static let anyInstitution: Int64 = 0

    static func revoke(_ consents: [(ConsentRevocation, Milliseconds)]) -> Step {
        var parameters = Parameters(reserving: 64 * consents.count)
        parameters.add(bytes: consents) { $0.0.consentID.utf8 }
        parameters.add(numbers: consents) { consent, _ in
            consent.institution.map { Int64($0.number) } ?? anyInstitution
        }
        parameters.add(numbers: consents) { $0.1 }
        return Step(.revokeConsents, parameters)
    }
}
