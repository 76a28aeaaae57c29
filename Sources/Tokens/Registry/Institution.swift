// A financial institution (FI): the bank, and the clients that may act for it.

/// A bank (ASPSP), known to itself by its reference such as `PSDGB-FCA-111111`.
public struct Institution: Sendable {
    /// A short stand-in for the reference, unique in a registry.
    public struct ID: Hashable, Sendable {
        public let number: UInt32
        public init(_ number: UInt32) { self.number = number }
    }

    public let id: ID
    public let reference: String

    public init(id: ID, reference: String) {
        self.id = id
        self.reference = reference
    }
}

/// An API client: credentials that may act for some institutions. An object, since connections and
/// the registry share it.
public final class Client: Sendable {
    /// Tells clients apart without holding one: a digest of the id.
    public struct Tag: Hashable, Sendable {
        public let number: UInt64

        public init(of id: String, _ cryptography: any Cryptography) {
            let digest = cryptography.digest(Array(id.utf8).span)
            number = digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        }

        /// The bytes, for a table's key.
        public var bytes: [UInt8] {
            (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(56 - 8 * $0)) }
        }
    }

    public let id: String
    public let tag: Tag
    public let secret: SecretDigest
    /// The one before, while it is still taken.
    public let oldSecret: SecretDigest?
    /// Those that are enabled.
    public let institutions: Set<Institution.ID>
    /// The disabled too: their tokens can still be revoked.
    public let allInstitutions: Set<Institution.ID>
    /// What it must show beside its secret (RFC 8705 §2); nil: nothing.
    public let certificate: CertificateRule?
    /// Whether there is such a rule: cheaper to ask than for the rule itself.
    public let needsCertificate: Bool

    public init(
        id: String, secret: SecretDigest, oldSecret: SecretDigest? = nil,
        institutions: Set<Institution.ID>, allInstitutions: Set<Institution.ID>,
        certificate: CertificateRule? = nil,
        _ cryptography: any Cryptography
    ) {
        self.id = id
        tag = Tag(of: id, cryptography)
        self.secret = secret
        self.oldSecret = oldSecret
        self.institutions = institutions
        self.allInstitutions = allInstitutions
        self.certificate = certificate
        needsCertificate = certificate != nil
    }

    public func mayAct(for institution: Institution.ID) -> Bool {
        institutions.contains(institution)
    }
}
