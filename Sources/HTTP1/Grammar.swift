// Which bytes may stand where (RFC 9110 §5.6, RFC 9112). Pure questions about single bytes and
// ranges of bytes.

enum Grammar {
    static let tab: UInt8 = 0x09
    static let lineFeed: UInt8 = 0x0A
    static let carriageReturn: UInt8 = 0x0D
    static let space: UInt8 = 0x20

    // tchar = "!#$%&'*+-.^_`|~" / DIGIT / ALPHA (RFC 9110 §5.6.2), as two 64-bit sets.
    private static let tokenLow: UInt64 = 0x03FF_6CFA_0000_0000
    private static let tokenHigh: UInt64 = 0x57FF_FFFF_C7FF_FFFE

    @inline(__always)
    static func isToken(_ byte: UInt8) -> Bool {
        // Most are letters.
        if (byte | 0x20) &- UInt8(ascii: "a") < 26 { return true }
        if byte < 64 { return tokenLow >> UInt64(byte) & 1 == 1 }
        if byte < 128 { return tokenHigh >> UInt64(byte &- 64) & 1 == 1 }
        return false
    }

    /// field-vchar, SP and HTAB: what may stand in a field value (RFC 9110 §5.5). obs-text counts.
    @inline(__always)
    static func isFieldValue(_ byte: UInt8) -> Bool {
        byte &- 0x20 < 0x5F || byte >= 0x80 || byte == tab
    }

    /// The first of eight bytes that is a tab or may not stand in a field value, as the lowest
    /// highest bit of a byte that is set; 0: all may.
    @inline(__always)
    static func controls(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        // Below zero where the byte is a control character, or DEL; nowhere else in ASCII, but
        // perhaps further up, where a borrow has gone through.
        let controls = word &- 0x20 &* ones
        let deletes = (word ^ 0x7F &* ones) &- ones
        return (controls | deletes) & ~word & (0x80 &* ones)
    }

    /// The first of eight bytes that is no letter, hyphen or underscore, as `controls` tells it. Names
    /// of fields seldom have others; digits are left out because they would take seven instructions.
    @inline(__always)
    static func beyondNames(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        // A sum carries into the next byte only where a byte is beyond ASCII, and that one is told
        // by its highest bit, whatever the sums say.
        let lower = word | 0x20 &* ones
        let letters = (lower &+ (0x80 - 0x61) &* ones) & ~(lower &+ (0x80 - 0x7B) &* ones)
        let noHyphens = (word ^ 0x2D &* ones) &+ 0x7F &* ones
        let noUnderscores = (word ^ 0x5F &* ones) &+ 0x7F &* ones
        return (~letters & noHyphens & noUnderscores | word) & (0x80 &* ones)
    }

    /// The first of eight bytes that is no letter, digit, hyphen or dot, as `controls` tells it: hosts
    /// seldom have others.
    @inline(__always)
    static func beyondHosts(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let lower = word | 0x20 &* ones
        let letters = (lower &+ (0x80 - 0x61) &* ones) & ~(lower &+ (0x80 - 0x7B) &* ones)
        // "-" "." "/" stand beside each other, and before the digits; "/" is left out behind.
        let digits = (word &+ (0x80 - 0x2D) &* ones) & ~(word &+ (0x80 - 0x3A) &* ones)
        let noSlashes = (word ^ 0x2F &* ones) &+ 0x7F &* ones
        return (~(letters | digits & noSlashes) | word) & (0x80 &* ones)
    }

    /// The first of eight bytes that may not stand in a target, as `controls` tells it.
    @inline(__always)
    static func beyondTargets(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let low = word &- 0x21 &* ones
        let deletes = (word ^ 0x7F &* ones) &- ones
        let fragments = (word ^ 0x23 &* ones) &- ones
        return ((low | deletes | fragments) & ~word | word) & (0x80 &* ones)
    }

    /// The first of eight bytes that is a question mark, as `controls` tells it.
    @inline(__always)
    static func questionMarks(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let others = word ^ UInt64(UInt8(ascii: "?")) &* ones
        return (others &- ones) & ~others & (0x80 &* ones)
    }

    /// What may stand in a request target: visible ASCII without a fragment mark (RFC 9112 §3.2).
    /// What else RFC 3986 §2 keeps out is passed on; the path is compared literally.
    @inline(__always)
    static func isTarget(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "#")
    }

    /// SP or HTAB (RFC 9110 §5.6.3).
    @inline(__always)
    static func isBlank(_ byte: UInt8) -> Bool {
        byte == space || byte == tab
    }

    /// DIGIT (RFC 5234 B.1): ASCII only.
    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool {
        byte &- UInt8(ascii: "0") < 10
    }
}
