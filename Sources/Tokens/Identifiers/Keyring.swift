// The keys that seal identifiers: the first seals, all open. So a key can be changed without
// making what the old one sealed worthless.

import Bytes

/// A key that seals identifiers. Has no printable form.
public struct SealingKey: Sendable, CustomStringConvertible {
    fileprivate let bytes: [UInt8]
    private let cryptography: any Cryptography

    /// A new key of 128 random bits.
    ///
    /// - Parameter random: overwrites the whole array with unpredictable bytes.
    public init(_ cryptography: any Cryptography, random: (inout [UInt8]) -> Void) {
        var bytes = [UInt8](repeating: 0, count: SealingKey.byteCount)
        random(&bytes)
        self.init(bytes: bytes, cryptography)
    }

    static let byteCount = 16

    fileprivate init(bytes: [UInt8], _ cryptography: any Cryptography) {
        self.bytes = bytes
        self.cryptography = cryptography
    }

    public var description: String { "SealingKey(redacted)" }

    /// What seals with it. A new one each time, since each is used by one thread.
    var cipher: any BlockCipher { cryptography.blockCipher(key: bytes.span) }

    /// What hashes what the tokens of repeatable exchanges are made for. A key of its own, from which nothing
    /// can be told about this one.
    var exchangeHash: KeyedHash {
        let label = Array("obie-tokens exchange key".utf8)
        let derived = cryptography.authenticationCode(label.span, key: bytes.span)
        return KeyedHash(key: derived.span)
    }

    /// Tells keys apart without telling anything about them: SHA-256 over a label and the key.
    public var fingerprint: KeyFingerprint {
        let labelled = Array("obie-tokens sealing key".utf8) + bytes
        return KeyFingerprint(bytes: cryptography.digest(labelled.span))
    }
}

/// At least one key, and as many as there are: each is a 0.3 µs more for whatever the newer ones do not
/// open.
public struct Keyring: Sendable {
    /// The newest first.
    public let keys: [SealingKey]

    public init(_ key: SealingKey) { keys = [key] }

    private init(keys: [SealingKey]) { self.keys = keys }

    /// With a new key in front. None goes: something alive may need it.
    public func adding(_ key: SealingKey) -> Keyring { Keyring(keys: [key] + keys) }

    /// The newest first.
    public var fingerprints: [KeyFingerprint] { keys.map(\.fingerprint) }

    /// Without a key; nil where no other is left.
    public func removing(_ fingerprint: KeyFingerprint) -> Keyring? {
        let rest = keys.filter { $0.fingerprint != fingerprint }
        return rest.isEmpty ? nil : Keyring(keys: rest)
    }

    /// With one of its keys in front: that one seals.
    public func sealing(with fingerprint: KeyFingerprint) -> Keyring {
        let chosen = keys.filter { $0.fingerprint == fingerprint }.prefix(1)
        return Keyring(keys: chosen + keys.filter { $0.fingerprint != fingerprint })
    }

    /// With the keys of another behind its own, as far as it has them not.
    public func followed(by other: Keyring) -> Keyring {
        let known = Set(fingerprints)
        return Keyring(keys: keys + other.keys.filter { !known.contains($0.fingerprint) })
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
    public init?(fileContent: [UInt8], _ cryptography: any Cryptography) {
        var keys: [SealingKey] = []
        for line in fileContent.split(separator: UInt8(ascii: "\n")) {
            guard let bytes = Hexadecimal.bytes(line), bytes.count == SealingKey.byteCount else {
                return nil
            }
            keys.append(SealingKey(bytes: bytes, cryptography))
        }
        guard !keys.isEmpty else { return nil }
        self.keys = keys
    }
}
