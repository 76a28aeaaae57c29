// A keyed hash of whole words: SipHash-2-4 with 128 bits of output (Aumasson and Bernstein, 2012).
// docs/decisions/identifiers.md says why it is this one, and what it may be used for.

import Bytes

/// What has been taken so far. A value, so a copy goes on by itself: what several messages begin with
/// is hashed once.
public struct KeyedHash: Sendable {
    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64
    private var wordCount: UInt64 = 0

    /// - Parameter key: 16 bytes that nobody outside knows, or more, of which the first 16 count.
    init(key: Span<UInt8>) { self.init(key: (key.word(at: 0), key.word(at: 8))) }

    /// - Parameter key: the same as words.
    init(key: (UInt64, UInt64)) {
        v0 = key.0 ^ 0x736F_6D65_7073_6575
        v1 = key.1 ^ 0x646F_7261_6E64_6F6D ^ 0xEE
        v2 = key.0 ^ 0x6C79_6765_6E65_7261
        v3 = key.1 ^ 0x7465_6462_7974_6573
    }

    @inline(__always)
    private mutating func round() {
        v0 &+= v1
        v2 &+= v3
        v1 = (v1 &<< 13 | v1 &>> 51) ^ v0
        v3 = (v3 &<< 16 | v3 &>> 48) ^ v2
        v0 = v0 &<< 32 | v0 &>> 32
        v2 &+= v1
        v0 &+= v3
        v1 = (v1 &<< 17 | v1 &>> 47) ^ v2
        v3 = (v3 &<< 21 | v3 &>> 43) ^ v0
        v2 = v2 &<< 32 | v2 &>> 32
    }

    @inline(__always)
    private mutating func compress(_ word: UInt64) {
        v3 ^= word
        round()
        round()
        v0 ^= word
    }

    /// Takes eight bytes more, the lowest first.
    @inline(__always)
    mutating func take(_ word: UInt64) {
        compress(word)
        wordCount &+= 1
    }

    /// Takes a text in whole words, then its length. What follows has a fixed length, so no two texts can be
    /// taken for each other.
    mutating func take(_ text: Span<UInt8>) {
        var rest = text
        while rest.count >= 8 {
            take(rest.word(at: 0))
            rest = rest.extracting(droppingFirst: 8)
        }
        take(KeyedHash.last(rest.count, of: text))
        take(UInt64(text.count))
    }

    /// The last bytes of a text, fewer than eight, as a word that begins with them.
    @inline(__always)
    private static func last(_ count: Int, of text: Span<UInt8>) -> UInt64 {
        if count == 0 { return 0 }
        // A longer text has a word that ends with them.
        if text.count >= 8 { return text.word(at: text.count &- 8) &>> UInt64(64 &- 8 &* count) }
        var last: UInt64 = 0
        for at in text.indices { last |= UInt64(text[at]) &<< UInt64(8 &* at) }
        return last
    }

    /// The hash of all that was taken: first its bytes 0 to 7, then 8 to 15, the lowest first.
    func finished() -> (UInt64, UInt64) {
        var last = self
        last.compress(wordCount &* 8 &<< 56)
        last.v2 ^= 0xEE
        for _ in 0..<4 { last.round() }
        let first = last.v0 ^ last.v1 ^ last.v2 ^ last.v3
        last.v1 ^= 0xDD
        for _ in 0..<4 { last.round() }
        return (first, last.v0 ^ last.v1 ^ last.v2 ^ last.v3)
    }
}
