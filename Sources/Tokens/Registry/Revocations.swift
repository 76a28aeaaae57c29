// Kill switches: moments until which everything of an institution, a provider or a consent is
// revoked. So a million tokens go at once, without one of them being touched.

/// What of all that was issued is revoked as a whole. Any thread.
public final class Revocations: Sendable {
    private let institutions: [Institution.ID: Milliseconds]
    private let providers: [Provider.ID: Milliseconds]
    private let consents: [ConsentRevocation: Milliseconds]

    /// nil where nothing is.
    init?(_ content: RegistryContent) {
        institutions = Dictionary(
            uniqueKeysWithValues: content.institutions.values.compactMap { record in
                record.revokedUntil.map { (record.id, $0) }
            })
        providers = Dictionary(
            uniqueKeysWithValues: content.providers.values.compactMap { record in
                record.revokedUntil.map { (record.id, $0) }
            })
        consents = content.revokedConsents
        if institutions.isEmpty, providers.isEmpty, consents.isEmpty { return nil }
    }

    /// Whether something for these is revoked.
    ///
    /// - Parameters:
    ///   - issuedAt: when it was issued; of a token, when the code was that it came from.
    ///   - consentID: nil where it stands for no consent.
    public func covers(
        issuedAt: Milliseconds, institution: Institution.ID, provider: Provider.ID,
        consentID: String?
    ) -> Bool {
        if let until = institutions[institution], issuedAt <= until { return true }
        if let until = providers[provider], issuedAt <= until { return true }
        guard let consentID, !consents.isEmpty else { return false }
        return [institution, nil].contains { institution in
            let key = ConsentRevocation(consentID: consentID, institution: institution)
            return consents[key].map { issuedAt <= $0 } ?? false
        }
    }
}
