// What the database knows codes and tokens by.

import Crypto
import Tokens

/// The SHA-256 of identifiers. Only digests are stored: the keys may be stolen together with the
/// database.
enum Digest {
    static let byteCount = SHA256.byteCount

    static func of(_ id: Identifier) -> [UInt8] { SHA256.hash(id.bytes.span) }

    /// Writes it to the start of `bytes`, which has room for it.
    static func write(_ id: Identifier, to bytes: UnsafeMutableRawBufferPointer) {
        unsafe withUnsafeBytes(of: (id.high.bigEndian, id.low.bigEndian)) {
            unsafe SHA256.hash($0, to: bytes)
        }
    }
}
