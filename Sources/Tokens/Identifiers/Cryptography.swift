// What the domain needs of cryptography. It is given the means by whoever wires it, so that it depends on no
// library in C.

/// Hashes, compares, and makes ciphers. Any thread.
public protocol Cryptography: Sendable {
    /// SHA-256 (FIPS 180-4): 32 bytes.
    func digest(_ message: Span<UInt8>) -> [UInt8]

    /// HMAC-SHA-256 (RFC 2104): 32 bytes, from which nothing can be told about the key.
    func authenticationCode(_ message: Span<UInt8>, key: Span<UInt8>) -> [UInt8]

    /// True where both have the same bytes. How long it takes depends on their number only.
    func isEqual(_ one: Span<UInt8>, _ other: Span<UInt8>) -> Bool

    /// AES-128 (FIPS 197).
    ///
    /// - Parameter key: 16 bytes; anything else traps.
    func blockCipher(key: Span<UInt8>) -> any BlockCipher
}

/// A block cipher under one key, without a mode: what is sealed twice looks the same twice, so that only what
/// never repeats may be sealed. One thread at a time.
public protocol BlockCipher: AnyObject {
    /// One block, its first eight bytes and its last.
    typealias Block = (high: UInt64, low: UInt64)

    /// Encrypts a block.
    func seal(_ block: Block) -> Block

    /// Decrypts a block: whatever it is, it opens to something.
    func open(_ block: Block) -> Block
}
