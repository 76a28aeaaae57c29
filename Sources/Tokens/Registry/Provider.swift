// A payment service provider (PSP): the third party that ends up holding the access token.

import Bytes

/// A third party (TPP) and the redirect URIs that are registered for it. An object, since
/// connections and the registry share it.
public final class Provider: Sendable {
    /// A short stand-in for the reference, unique in a registry.
    public struct ID: Hashable, Sendable {
        public let number: UInt32
        public init(_ number: UInt32) { self.number = number }
    }

    /// A registered redirect URI. Two of a provider are the same only where their bytes are, so a
    /// code can be bound to this instead of to the text.
    public struct RedirectURI: Equatable, Sendable {
        public struct ID: Hashable, Sendable {
            public let number: UInt32
            public init(_ number: UInt32) { self.number = number }
        }
        public let id: ID
        public let text: String
        let bytes: [UInt8]

        public init(id: ID, text: String) {
            self.id = id
            self.text = text
            bytes = Array(text.utf8)
        }
    }

    public let id: ID
    public let reference: String
    public let redirectURIs: [RedirectURI]
    public let authorisation: Authorisation

    public init(
        id: ID, reference: String, redirectURIs: [RedirectURI],
        authorisation: Authorisation = .full
    ) {
        self.id = id
        self.reference = reference
        self.redirectURIs = redirectURIs
        self.authorisation = authorisation
    }

    /// One with the same content for a loop alone. Who uses an object is counted in it, and loops that use the
    /// same one pull it from CPU to CPU with each count.
    public func copy() -> Provider {
        Provider(
            id: id, reference: reference, redirectURIs: redirectURIs, authorisation: authorisation)
    }

    /// Which registered URI has exactly these bytes.
    public func redirectURIID(_ bytes: Span<UInt8>) -> RedirectURI.ID? {
        index(bytes).map { redirectURIs[$0].id }
    }

    /// The registered URI with exactly these bytes: no normalisation (RFC 6749 §3.1.2.3,
    /// RFC 9700 §2.1).
    public func redirectURI(_ bytes: Span<UInt8>) -> RedirectURI? {
        index(bytes).map { redirectURIs[$0] }
    }

    /// The URI with this id, where it is still registered.
    public func redirectURI(_ id: RedirectURI.ID) -> RedirectURI? {
        redirectURIs.first { $0.id == id }
    }

    private func index(_ bytes: Span<UInt8>) -> Int? {
        redirectURIs.firstIndex { bytesEqual(bytes, 0..<bytes.count, $0.bytes) }
    }
}
