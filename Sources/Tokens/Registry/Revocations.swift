// Kill switches: moments until which everything of an institution or a provider is revoked. So a
// million tokens go at once, without one of them being touched. Revoked consents, of which there may
// be millions, are the store's business.

/// What of all that was issued is revoked as a whole. Any thread.
public final class Revocations: Sendable {
    private let institutions: [Institution.ID: Milliseconds]
    private let providers: [Provider.ID: Milliseconds]

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
        if institutions.isEmpty, providers.isEmpty { return nil }
    }

    /// Whether something for these is revoked.
    ///
    /// - Parameter issuedAt: when it was issued; of a token, when the code was that it came from.
    public func covers(
        issuedAt: Milliseconds, institution: Institution.ID, provider: Provider.ID
    ) -> Bool {
        if let until = institutions[institution], issuedAt <= until { return true }
        if let until = providers[provider], issuedAt <= until { return true }
        return false
    }
}
