// The thumbprint of a certificate: what a token is bound to, and what certificates are known by.

import Bytes

/// SHA-256 of a certificate's DER (RFC 8705 §3.1). An object, since most of what can have one has none.
public final class Thumbprint: Hashable, Sendable, CustomStringConvertible {
    /// The bytes, eight to a word, the first of them highest.
    let words: (UInt64, UInt64, UInt64, UInt64)

    /// How many bytes one has.
    public static let byteCount = 32

    /// - Returns: nil for any other number of bytes than `byteCount`.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == Thumbprint.byteCount else { return nil }
        func word(_ index: Int) -> UInt64 {
            bytes[index * 8..<index * 8 + 8].reduce(0) { $0 << 8 | UInt64($1) }
        }
        words = (word(0), word(1), word(2), word(3))
    }

    /// As `x5t#S256` writes it: 43 characters of base64url.
    ///
    /// - Returns: nil for anything else.
    public convenience init?(base64URL text: Span<UInt8>) {
        guard text.count == Thumbprint.textLength, let bytes = Base64URL.decode(text) else {
            return nil
        }
        self.init(bytes)
    }

    /// How many characters `description` has.
    public static let textLength = 43

    /// All of them, in their order.
    public var bytes: [UInt8] {
        [words.0, words.1, words.2, words.3].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) }
        }
    }

    /// As `x5t#S256` writes it (RFC 8705 §3.1).
    public var description: String { Base64URL.text(bytes) }

    public static func == (one: Thumbprint, other: Thumbprint) -> Bool { one.words == other.words }

    public func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}
