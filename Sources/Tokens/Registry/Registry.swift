// Who exists, as requests see it: clients, institutions and providers that are enabled. Never
// changes once made; a change makes a new one.

/// A snapshot of what is registered and enabled. Any thread.
public final class Registry: Sendable {
    private let clients: [String: Client]
    private let institutions: [String: Institution]
    private let providers: [Provider.ID: Provider]
    private let providersByReference: [String: Provider]
    /// Sandbox only: the provider that the fixed CCG token stands for.
    public let fixedTokenProvider: Provider.ID?
    private let cryptography: any Cryptography
    /// nil where nothing is revoked as a whole.
    public let revocations: Revocations?
    /// What requests see nothing of.
    let hidden: HiddenEntries
    /// When an old secret runs out, so that a new snapshot is needed.
    public let validUntil: Milliseconds?

    /// How many are registered, disabled or not.
    public let counts: (institutions: Int, providers: Int, clients: Int)
    /// How many clients must show a certificate.
    public var certificateRules: Int { clients.values.count { $0.certificate != nil } }

    /// - Parameter now: secrets that have run out then are left out.
    public init(
        _ content: RegistryContent, now: Milliseconds, _ cryptography: any Cryptography
    ) {
        self.cryptography = cryptography
        counts = (content.institutions.count, content.providers.count, content.clients.count)
        let enabled = content.institutions.values.filter { !$0.isDisabled }
        let enabledIDs = Set(enabled.map(\.id))
        let providers = content.providers.values.filter { !$0.isDisabled }.map { record in
            Provider(
                id: record.id, reference: record.reference, redirectURIs: record.redirectURIs,
                authorisation: record.authorisation)
        }
        clients = content.clients.mapValues { record in
            let old = record.oldSecret.flatMap { $0.until > now ? $0.digest : nil }
            return Client(
                id: record.id, secret: record.secret, oldSecret: old,
                institutions: record.institutions.intersection(enabledIDs),
                allInstitutions: record.institutions, certificate: record.certificate,
                cryptography)
        }
        institutions = Dictionary(
            uniqueKeysWithValues: enabled.map { record in
                (record.reference, Institution(id: record.id, reference: record.reference))
            })
        self.providers = Dictionary(uniqueKeysWithValues: providers.map { ($0.id, $0) })
        providersByReference = Dictionary(
            uniqueKeysWithValues: providers.map { ($0.reference, $0) })
        fixedTokenProvider = content.mode == .sandbox ? Registry.sandboxProvider : nil
        revocations = Revocations(content)
        hidden = HiddenEntries(content)
        validUntil = content.clients.values.compactMap { $0.oldSecret?.until }
            .filter { $0 > now }.min()
    }

    /// The access token that the sandbox always gives for client credentials, and takes as CCG
    /// token.
    public static let sandboxCCGToken = "good-access-token"
    static let sandboxProvider = Provider.ID(1)

    /// Whether it is that token; it stands for nothing in production.
    func isFixedToken(_ token: [UInt8]) -> Bool {
        cryptography.isEqual(token.span, Array(Registry.sandboxCCGToken.utf8).span)
    }

    // Compared with where there is no secret, so that all ways take the same time. Of nothing that anybody knows.
    private static let nobody = SecretDigest(bytes: [UInt8](repeating: 0, count: 32))

    /// The client with this id and secret (RFC 6749 §2.3.1), or nil for either being wrong. Both
    /// take the same time.
    public func client(id: String, secret: [UInt8]) -> Client? {
        let client = clients[id]
        let given = SecretDigest(of: secret, cryptography)
        let isNewest = (client?.secret ?? Registry.nobody).matches(given, cryptography)
        let isOld = (client?.oldSecret ?? Registry.nobody).matches(given, cryptography)
        guard let client else { return nil }
        return isNewest || isOld && client.oldSecret != nil ? client : nil
    }

    /// For the audit log.
    public func hasClient(_ id: String) -> Bool { clients[id] != nil }

    public func institution(reference: String) -> Institution? {
        institutions[reference]
    }

    /// For the audit log: there are few, and it seldom asks.
    public func institution(_ id: Institution.ID) -> Institution? {
        institutions.values.first { $0.id == id }
    }

    /// By the name that others know it by, such as `PSDGB-FCA-222222`.
    public func provider(reference: String) -> Provider? {
        providersByReference[reference]
    }

    public func provider(_ id: Provider.ID) -> Provider? {
        providers[id]
    }
}
