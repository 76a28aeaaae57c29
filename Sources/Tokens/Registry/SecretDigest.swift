// How a secret is kept and compared.

import Crypto

/// The SHA-256 of a secret. Secrets are generated with 256 random bits, so a slow password hash
/// would buy nothing and bound the server.
public struct SecretDigest: Equatable, Sendable, CustomStringConvertible {
    /// 32 bytes, for a store.
    public let bytes: [UInt8]

    /// - Parameter bytes: what `bytes` gave; anything else matches nothing.
    public init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    public init(of secret: [UInt8]) {
        bytes = Array(SHA256.hash(data: secret))
    }

    /// A secret never prints, nor does what it could be guessed from.
    public var description: String { "SecretDigest(redacted)" }

    /// Compares as `matches` does.
    public static func == (one: SecretDigest, other: SecretDigest) -> Bool { one.matches(other) }

    /// Compares in a time that does not depend on where the two differ.
    public func matches(_ other: SecretDigest) -> Bool {
        guard bytes.count == other.bytes.count else { return false }
        var difference: UInt8 = 0
        for index in bytes.indices { difference |= bytes[index] ^ other.bytes[index] }
        return difference == 0
    }
}
