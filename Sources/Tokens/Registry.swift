// Who exists: clients, institutions and providers. A value that never changes once made; a change
// makes a new one.

/// A snapshot of everything registered. Any thread.
public final class Registry: Sendable {
    private let clients: [String: Client]
    private let institutions: [String: Institution]
    private let providers: [Provider.ID: Provider]
    /// Sandbox only: the fixed CCG token and the provider that it stands for.
    public let fixedCCGToken: (secret: SecretDigest, provider: Provider.ID)?

    public init(
        clients: [Client], institutions: [Institution], providers: [Provider],
        fixedCCGToken: (secret: SecretDigest, provider: Provider.ID)? = nil
    ) {
        self.clients = Dictionary(uniqueKeysWithValues: clients.map { ($0.id, $0) })
        self.institutions = Dictionary(
            uniqueKeysWithValues: institutions.map { ($0.reference, $0) })
        self.providers = Dictionary(uniqueKeysWithValues: providers.map { ($0.id, $0) })
        self.fixedCCGToken = fixedCCGToken
    }

    /// Nobody: how production starts.
    public static let empty = Registry(clients: [], institutions: [], providers: [])

    /// The access token that the sandbox always gives for client credentials, and takes as CCG
    /// token.
    public static let sandboxCCGToken = "good-access-token"

    /// One client, one institution, one provider, all with well-known names.
    public static let sandbox = Registry(
        clients: [
            Client(
                id: "api-consumer-id", secret: SecretDigest(of: Array("password".utf8)),
                institutions: [Institution.ID(1)])
        ],
        institutions: [Institution(id: Institution.ID(1), reference: "PSDGB-FCA-111111")],
        providers: [
            Provider(
                id: Provider.ID(1), reference: "PSDGB-FCA-222222",
                redirectURIs: [
                    Provider.RedirectURI(
                        id: Provider.RedirectURI.ID(1), text: "https://www.google.com")
                ])
        ],
        fixedCCGToken: (SecretDigest(of: Array(sandboxCCGToken.utf8)), Provider.ID(1)))

    // For a store that keeps them.
    public var allClients: [Client] { Array(clients.values) }
    public var allInstitutions: [Institution] { Array(institutions.values) }
    public var allProviders: [Provider] { Array(providers.values) }

    // Compared with where no client has the given id, so that both ways take the same time.
    private static let nobody = SecretDigest(of: Array("nobody".utf8))

    /// The client with this id and secret (RFC 6749 §2.3.1), or nil for either being wrong.
    public func client(id: String, secret: [UInt8]) -> Client? {
        let client = clients[id]
        let isRight = (client?.secret ?? Registry.nobody).matches(SecretDigest(of: secret))
        return isRight ? client : nil
    }

    public func institution(reference: String) -> Institution? {
        institutions[reference]
    }

    /// By the name that others know it by, such as `PSDGB-FCA-222222`.
    public func provider(reference: String) -> Provider? {
        providers.values.first { $0.reference == reference }
    }

    public func provider(_ id: Provider.ID) -> Provider? {
        providers[id]
    }
}
