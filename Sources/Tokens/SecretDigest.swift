// How a secret is kept and compared.

import Crypto

/// The SHA-256 of a secret. Secrets are generated with 256 random bits, so a slow password hash
/// would buy nothing and bound the server.
public struct SecretDigest: Sendable, CustomStringConvertible {
    private let bytes: [UInt8]

    public init(of secret: [UInt8]) {
        bytes = Array(SHA256.hash(data: secret))
    }

    /// A secret never prints, nor does what it could be guessed from.
    public var description: String { "SecretDigest(redacted)" }

    /// Compares in a time that does not depend on where the two differ.
    public func matches(_ other: SecretDigest) -> Bool {
        var difference: UInt8 = 0
        for index in bytes.indices { difference |= bytes[index] ^ other.bytes[index] }
        return difference == 0
    }
}
