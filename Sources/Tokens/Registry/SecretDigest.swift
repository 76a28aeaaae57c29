// How a secret is kept.

/// The SHA-256 of a secret. Secrets are generated with 256 random bits, so a slow password hash
/// would buy nothing and bound the server.
public struct SecretDigest: Equatable, Sendable, CustomStringConvertible {
    /// 32 bytes, for a store.
    public let bytes: [UInt8]

    /// - Parameter bytes: what `bytes` gave; anything else matches nothing.
    public init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    public init(of secret: [UInt8], _ cryptography: any Cryptography) {
        bytes = cryptography.digest(secret.span)
    }

    /// A secret never prints, nor does what it could be guessed from.
    public var description: String { "SecretDigest(redacted)" }

    /// Compares in a time that does not depend on where the two differ. `==` does not promise that: it is
    /// for what is registered, not for what somebody sends.
    func matches(_ other: SecretDigest, _ cryptography: any Cryptography) -> Bool {
        cryptography.isEqual(bytes.span, other.bytes.span)
    }
}
