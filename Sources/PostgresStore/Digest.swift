// What the database knows codes and tokens by.

import Crypto
import Tokens

/// The SHA-256 of identifiers. Only digests are stored: the keys may be stolen together with the
/// database.
enum Digest {
    static let byteCount = SHA256.byteCount

    static func of(_ id: Identifier) -> [UInt8] {
        unsafe hash(id).withUnsafeBytes { unsafe Array($0) }
    }

    /// Writes it to the start of `bytes`, which has room for it.
    static func write(_ id: Identifier, to bytes: UnsafeMutableRawBufferPointer) {
        unsafe hash(id).withUnsafeBytes { unsafe bytes.copyMemory(from: $0) }
    }

    private static func hash(_ id: Identifier) -> SHA256Digest {
        var identifier = (id.high.bigEndian, id.low.bigEndian)
        var hash = SHA256()
        unsafe withUnsafeBytes(of: &identifier) { unsafe hash.update(bufferPointer: $0) }
        return hash.finalize()
    }
}
