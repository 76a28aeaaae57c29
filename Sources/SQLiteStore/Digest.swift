// What the file knows codes and tokens by.

import Crypto
import Tokens

/// The SHA-256 of the identifier that the job under way is about. Only digests are stored: the key
/// file may be stolen together with the database.
struct Digest {
    /// What statements are bound to.
    let bytes = StableBytes(count: SHA256.byteCount)

    func set(_ id: Identifier) {
        unsafe withUnsafeBytes(of: (id.high.bigEndian, id.low.bigEndian)) {
            unsafe SHA256.hash($0, to: bytes.room)
        }
    }

    static func of(_ id: Identifier) -> [UInt8] { SHA256.hash(id.bytes.span) }

    /// - Parameter stored: as a row has it.
    func set(_ stored: [UInt8]) throws(DatabaseError) {
        guard stored.count == bytes.count else {
            throw .corrupt("a digest that no version has written")
        }
        unsafe stored.withUnsafeBytes { unsafe bytes.copy($0) }
    }
}
