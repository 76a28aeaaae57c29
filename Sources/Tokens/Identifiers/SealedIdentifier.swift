// The identifiers of codes and tokens: what the outside sees, what a store keys by, and the
// cipher between the two.

import Bytes

/// Milliseconds since 1970-01-01T00:00:00Z.
public typealias Milliseconds = Int64

/// What a code or token is known by inside: 48 bits of its issue time, then 80 random bits.
///
/// Ordered by time, so rows append and expiry is a range. Nobody can present one: the outside only
/// ever sees it sealed, and without the key the one says nothing about the other.
public struct Identifier: Hashable, Comparable, Sendable {
    /// The first 8 of `bytes`, as a number.
    public let high: UInt64
    /// The last 8.
    public let low: UInt64

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// - Parameter random: 80 bits, of which the upper 16 come from `randomHigh`.
    public init(issuedAt: Milliseconds, randomHigh: UInt16, randomLow: UInt64) {
        high = UInt64(truncatingIfNeeded: issuedAt) << 16 | UInt64(randomHigh)
        low = randomLow
    }

    public var issuedAt: Milliseconds { Milliseconds(high >> 16) }

    /// The 16 bytes, in the order of time: what a store on disk makes a digest of.
    public var bytes: [UInt8] {
        (0..<16).map { index in
            let half = index < 8 ? high : low
            return UInt8(truncatingIfNeeded: half >> UInt64(56 - index % 8 * 8))
        }
    }

    /// Spreads evenly over any power of two: random bits.
    var spread: Int { Int(truncatingIfNeeded: low & 0xFFFF) }

    public static func < (left: Identifier, right: Identifier) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

/// An identifier as the outside sees it: 128 bits that are indistinguishable from random without
/// the key (RFC 6749 §10.10). It is a secret, so it has no printable form but the two `append`s.
public struct SealedIdentifier: Equatable, Sendable, CustomStringConvertible {
    let high: UInt64
    let low: UInt64

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A secret never prints.
    public var description: String { "SealedIdentifier(redacted)" }

    /// How long `appendCode` and `appendToken` make their texts, in bytes.
    public static let codeLength = 32
    public static let tokenLength = 36

    /// Reads 32 lower-case hexadecimal digits, or nothing.
    public init?(code bytes: Span<UInt8>) {
        guard bytes.count == SealedIdentifier.codeLength,
            let high = Hexadecimal.number(bytes.extracting(0..<16)),
            let low = Hexadecimal.number(bytes.extracting(16..<32))
        else { return nil }
        self.init(high: high, low: low)
    }

    /// Reads 32 lower-case hexadecimal digits in groups of 8-4-4-4-12, or nothing.
    public init?(token bytes: Span<UInt8>) {
        let hyphen = UInt8(ascii: "-")
        guard bytes.count == SealedIdentifier.tokenLength, bytes[8] == hyphen, bytes[13] == hyphen,
            bytes[18] == hyphen, bytes[23] == hyphen
        else { return nil }
        // As `storeToken` puts them: a hyphen, four digits, a hyphen, two digits; then two, a hyphen, four, a
        // hyphen.
        let (second, third, four) = (bytes.word(at: 8), bytes.word(at: 16), UInt64(UInt32.max))
        guard
            let high = Hexadecimal.number(
                bytes.word(at: 0), second >> 8 & four | (second >> 48) << 32 | third << 48),
            let low = Hexadecimal.number(
                third >> 24 & four | bytes.word(at: 24) << 32, bytes.word(at: 28))
        else { return nil }
        self.init(high: high, low: low)
    }

    /// Appends 32 lower-case hexadecimal digits.
    public func appendCode(to output: inout [UInt8]) {
        output.append(count: SealedIdentifier.codeLength) { storeCode(in: &$0, at: 0) }
    }

    /// Puts the same digits from `start` on. Traps where there is no room.
    @inline(__always)
    public func storeCode(in text: inout MutableSpan<UInt8>, at start: Int) {
        text.store(Hexadecimal.digits(UInt32(truncatingIfNeeded: high >> 32)), at: start)
        text.store(Hexadecimal.digits(UInt32(truncatingIfNeeded: high)), at: start + 8)
        text.store(Hexadecimal.digits(UInt32(truncatingIfNeeded: low >> 32)), at: start + 16)
        text.store(Hexadecimal.digits(UInt32(truncatingIfNeeded: low)), at: start + 24)
    }

    /// Appends the same digits in groups of 8-4-4-4-12.
    public func appendToken(to output: inout [UInt8]) {
        output.append(count: SealedIdentifier.tokenLength) { storeToken(in: &$0, at: 0) }
    }

    /// Puts the same from `start` on. Traps where there is no room.
    @inline(__always)
    public func storeToken(in text: inout MutableSpan<UInt8>, at start: Int) {
        let second = Hexadecimal.digits(UInt32(truncatingIfNeeded: high))
        let third = Hexadecimal.digits(UInt32(truncatingIfNeeded: low >> 32))
        let last = Hexadecimal.digits(UInt32(truncatingIfNeeded: low))
        let (four, hyphen) = (UInt64(UInt32.max), UInt64(UInt8(ascii: "-")))
        text.store(Hexadecimal.digits(UInt32(truncatingIfNeeded: high >> 32)), at: start)
        // A hyphen, four digits, a hyphen, two digits; then two, a hyphen, four, a hyphen.
        text.store(
            hyphen | (second & four) << 8 | hyphen << 40 | (second >> 32) << 48,
            at: start &+ 8)
        text.store(
            second >> 48 | hyphen << 16 | (third & four) << 24 | hyphen << 56, at: start &+ 16)
        text.store(third >> 32 | last << 32, at: start &+ 24)
        text.store(last, at: start &+ 28)
    }
}

/// Turns identifiers into their sealed form and back: one block of AES-128.
///
/// One per event loop: its ciphers are used by one thread at a time.
public struct IdentifierSealer {
    /// The newest key's. It stands apart, since what is taken out of an array is counted as a user more.
    private let newest: any BlockCipher
    /// Those of the keys behind it.
    private let older: [any BlockCipher]

    public init(_ keyring: Keyring) {
        newest = keyring.keys[0].cipher
        older = keyring.keys.dropFirst().map(\.cipher)
    }

    private func opened(_ sealed: SealedIdentifier, by cipher: any BlockCipher) -> Identifier {
        let block = cipher.open((sealed.high, sealed.low))
        return Identifier(high: block.high, low: block.low)
    }

    /// Seals with the newest key, or with the one at a place.
    public func seal(_ identifier: Identifier, key: Int = 0) -> SealedIdentifier {
        let inside = (identifier.high, identifier.low)
        let block = key == 0 ? newest.seal(inside) : older[key - 1].seal(inside)
        return SealedIdentifier(high: block.high, low: block.low)
    }

    /// Opens with the newest key, of those from `first` on, under which the result makes sense.
    ///
    /// What was not sealed with a key opens to a time and bits of chance, so `isPlausible` looks at
    /// the time; nil where no key gives one that is. Chance may be plausible, too: where nobody knows
    /// what a key has opened, the older keys are to be asked, from `Candidate.nextKey` on.
    func open(
        _ sealed: SealedIdentifier, from first: Int = 0, where isPlausible: (Identifier) -> Bool
    ) -> Candidate? {
        if first == 0 {
            let identifier = opened(sealed, by: newest)
            if isPlausible(identifier) { return Candidate(identifier: identifier, nextKey: 1) }
        }
        // The first of them has place 1 in the keyring.
        for (place, cipher) in older.enumerated().dropFirst(max(first - 1, 0)) {
            let identifier = opened(sealed, by: cipher)
            if isPlausible(identifier) {
                return Candidate(identifier: identifier, nextKey: place + 2)
            }
        }
        return nil
    }

    /// What each key opens it to, newest first. At most one is what was sealed.
    func openings(_ sealed: SealedIdentifier) -> [Identifier] {
        var openings: [Identifier] = []
        _ = open(sealed) { opening in
            openings.append(opening)
            return false
        }
        return openings
    }

    /// What a sealed identifier may have inside, and which key has not been asked yet.
    struct Candidate {
        let identifier: Identifier
        /// By its place; beyond the last: all have been asked.
        let nextKey: Int
    }
}
