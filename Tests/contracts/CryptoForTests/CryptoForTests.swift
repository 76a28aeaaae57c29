// The cryptography that tests use: the program's own, so that a test says only what it is about.

import Crypto
import Tokens

public let cryptography: any Cryptography = OpenSSL()

extension SealingKey {
    public init(random: (inout [UInt8]) -> Void) { self.init(cryptography, random: random) }
}

extension SecretDigest {
    public init(of secret: [UInt8]) { self.init(of: secret, cryptography) }
}

extension Client {
    public convenience init(
        id: String, secret: SecretDigest, institutions: Set<Institution.ID>,
        allInstitutions: Set<Institution.ID>
    ) {
        self.init(
            id: id, secret: secret, institutions: institutions, allInstitutions: allInstitutions,
            cryptography)
    }
}

extension Client.Tag {
    public init(of id: String) { self.init(of: id, cryptography) }
}

extension Registry {
    public convenience init(_ content: RegistryContent, now: Milliseconds) {
        self.init(content, now: now, cryptography)
    }

    /// One client, one institution, one provider, all with well-known names.
    public static let sandbox = Registry(.sandbox, now: 0)

    /// Nobody: how production starts.
    public static let empty = Registry(RegistryContent(mode: .production), now: 0)
}
