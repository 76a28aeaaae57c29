// The keys that seal identifiers: the first seals, all open. So a key can be changed without
// making what the old one sealed worthless.

import Bytes
import Crypto

/// A key that seals identifiers. Has no printable form.
public struct SealingKey: Sendable, CustomStringConvertible {
    let key: SymmetricKey
    fileprivate let bytes: [UInt8]

    /// A new key of 128 random bits.
    ///
    /// - Parameter random: overwrites the whole array with unpredictable bytes.
    public init(random: (inout [UInt8]) -> Void) {
        var bytes = [UInt8](repeating: 0, count: SealingKey.byteCount)
        random(&bytes)
        self.init(bytes: bytes)
    }

    static let byteCount = 16

    fileprivate init(bytes: [UInt8]) {
        self.bytes = bytes
        key = SymmetricKey(data: bytes)
    }

    public var description: String { "SealingKey(redacted)" }

    /// Tells keys apart without telling anything about them: SHA-256 over a label and the key.
    public var fingerprint: [UInt8] {
        Array(SHA256.hash(data: Array("obie-tokens sealing key".utf8) + bytes))
    }
}

/// At least one key.
public struct Keyring: Sendable {
    /// The newest first.
    public let keys: [SealingKey]

    /// Keys beyond this are refused: each makes every look-up of an unknown identifier dearer.
    public static let keysMax = 16

    public init(_ key: SealingKey) { keys = [key] }

    private init(keys: [SealingKey]) { self.keys = keys }

    /// With a new key in front; the oldest goes where there are too many.
    public func adding(_ key: SealingKey) -> Keyring {
        Keyring(keys: Array(([key] + keys).prefix(Keyring.keysMax)))
    }

    /// One key per line, as 32 hexadecimal digits.
    public var fileContent: [UInt8] {
        var content: [UInt8] = []
        for key in keys {
            Hexadecimal.append(key.bytes, to: &content)
            content.append(UInt8(ascii: "\n"))
        }
        return content
    }

    /// Reads what `fileContent` made; nil where it is anything else.
    public init?(fileContent: [UInt8]) {
        var keys: [SealingKey] = []
        for line in fileContent.split(separator: UInt8(ascii: "\n")) {
            guard let bytes = Hexadecimal.bytes(line), bytes.count == SealingKey.byteCount else {
                return nil
            }
            keys.append(SealingKey(bytes: bytes))
        }
        guard (1...Keyring.keysMax).contains(keys.count) else { return nil }
        self.keys = keys
    }
}
