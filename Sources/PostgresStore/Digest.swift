// What the database knows codes and tokens by.

import Crypto
import Tokens

/// The SHA-256 of identifiers. Only digests are stored: the keys may be stolen together with the
/// database.
enum Digest {
    static func of(_ id: Identifier) -> [UInt8] {
        var identifier = (id.high.bigEndian, id.low.bigEndian)
        var hash = SHA256()
        unsafe withUnsafeBytes(of: &identifier) { unsafe hash.update(bufferPointer: $0) }
        return unsafe hash.finalize().withUnsafeBytes { unsafe Array($0) }
    }
}
