// A payment service provider (PSP): the third party that ends up holding the access token.

/// A third party (TPP) and the redirect URIs that are registered for it.
public struct Provider: Sendable {
    /// A short stand-in for the reference, unique in a registry.
    public struct ID: Hashable, Sendable {
        let number: UInt32
        public init(_ number: UInt32) { self.number = number }
    }

    /// A registered redirect URI. Two of a provider are the same only where their bytes are, so a
    /// code can be bound to this instead of to the text.
    public struct RedirectURI: Sendable {
        public struct ID: Hashable, Sendable {
            let number: UInt32
            public init(_ number: UInt32) { self.number = number }
        }
        public let id: ID
        public let text: String

        public init(id: ID, text: String) {
            self.id = id
            self.text = text
        }
    }

    public let id: ID
    public let reference: String
    public let redirectURIs: [RedirectURI]

    public init(id: ID, reference: String, redirectURIs: [RedirectURI]) {
        self.id = id
        self.reference = reference
        self.redirectURIs = redirectURIs
    }

    /// The registered URI with exactly these bytes: no normalisation (RFC 6749 §3.1.2.3,
    /// RFC 9700 §2.1). `String ==` would compare canonical equivalents.
    public func redirectURI(_ text: String) -> RedirectURI? {
        redirectURIs.first { $0.text.utf8.elementsEqual(text.utf8) }
    }
}
