// Hexadecimal digits of bytes and numbers, and back. We write lower case; the caller's grammar
// decides which case it reads.

public enum Hexadecimal {
    /// The value of one digit in either case (HEXDIG, RFC 5234 B.1, RFC 9110 §2.1); nil for any
    /// other byte.
    @inlinable @inline(__always)
    public static func value(_ digit: UInt8) -> UInt8? {
        let number = digit &- UInt8(ascii: "0")
        if number < 10 { return number }
        let letter = (digit | 0x20) &- UInt8(ascii: "a")
        return letter < 6 ? letter &+ 10 : nil
    }

    /// The value of one digit in lower case; nil for any other byte.
    @inlinable @inline(__always)
    public static func lowercaseValue(_ digit: UInt8) -> UInt8? {
        digit &- UInt8(ascii: "A") < 6 ? nil : value(digit)
    }

    /// Appends the two digits of `byte`.
    @inlinable @inline(__always)
    public static func append(_ byte: UInt8, to output: inout [UInt8]) {
        output.append(digit(byte >> 4))
        output.append(digit(byte & 15))
    }

    /// Appends the two digits of each of `bytes`.
    @inlinable
    public static func append(_ bytes: some Sequence<UInt8>, to output: inout [UInt8]) {
        for byte in bytes { append(byte, to: &output) }
    }

    /// The two digits of each of `bytes`.
    @inlinable
    public static func text(_ bytes: some Sequence<UInt8>) -> String {
        var digits: [UInt8] = []
        append(bytes, to: &digits)
        return String(decoding: digits, as: UTF8.self)
    }

    /// The bytes that pairs of lower-case digits stand for; nil where a byte is no such digit, or
    /// one stands alone.
    @inlinable
    public static func bytes(_ digits: some Sequence<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        var high: UInt8?
        for digit in digits {
            guard let value = lowercaseValue(digit) else { return nil }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return high == nil ? bytes : nil
    }

    /// The same, of digits in either case.
    @inlinable
    public static func bytesInAnyCase(_ digits: some Sequence<UInt8>) -> [UInt8]? {
        bytes(digits.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 })
    }

    /// - Parameter value: below 16.
    @inlinable @inline(__always)
    static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") &+ value : UInt8(ascii: "a") &+ value &- 10
    }
}

/// Eight digits at a time.
extension Hexadecimal {
    @inlinable @inline(__always)
    static var ones: UInt64 { 0x0101_0101_0101_0101 }

    /// Appends the eight digits of `number`.
    @inlinable @inline(__always)
    public static func append(_ number: UInt32, to output: inout OutputSpan<UInt8>) {
        let digits = digits(number)
        for shift in stride(from: UInt64(0), to: 64, by: 8) {
            output.append(UInt8(truncatingIfNeeded: digits >> shift))
        }
    }

    /// The eight digits as bytes, the first in the lowest place.
    @inlinable @inline(__always)
    public static func digits(_ number: UInt32) -> UInt64 {
        var digits = UInt64(number.byteSwapped)
        digits = (digits | digits << 16) & 0x0000_FFFF_0000_FFFF
        digits = (digits | digits << 8) & 0x00FF_00FF_00FF_00FF
        digits = (digits >> 4 | digits << 8) & 0x0F0F_0F0F_0F0F_0F0F
        // 1 in each byte that is 10 or more: a letter.
        let letters = (digits &+ 6 &* ones) >> 4 & ones
        return digits &+ 0x30 &* ones &+ letters &* 0x27
    }

    /// One of the bytes that `digits` gives.
    @inlinable @inline(__always)
    public static func byte(_ digits: UInt64, _ index: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: digits &>> UInt64(8 &* index))
    }

    /// The number that 16 lower-case digits stand for; nil for anything else.
    @inlinable @inline(__always)
    public static func number(_ bytes: Span<UInt8>) -> UInt64? {
        bytes.count == 16 ? number(bytes.word(at: 0), bytes.word(at: 8)) : nil
    }

    /// The same of two words of eight digits each, the first in the lowest place.
    @inlinable @inline(__always)
    public static func number(_ high: UInt64, _ low: UInt64) -> UInt64? {
        areDigits(high, low) ? number(high) << 32 | number(low) : nil
    }

    /// True where each byte of both is a lower-case digit.
    @inlinable @inline(__always)
    static func areDigits(_ high: UInt64, _ low: UInt64) -> Bool {
        let highBits = 0x80 &* ones
        return (high | low) & highBits == 0
            && digitBits(high) & digitBits(low) & highBits == highBits
    }

    /// The highest bit of a byte is set where it is a lower-case digit.
    ///
    /// - Parameter word: of ASCII, so that no sum below carries into the next byte.
    @inlinable @inline(__always)
    static func digitBits(_ word: UInt64) -> UInt64 {
        // Each sum has the bit where the byte is at least that. So two of them differ in it where a
        // byte lies in between.
        (word &+ (0x80 - 0x30) &* ones) ^ (word &+ (0x80 - 0x3A) &* ones)
            ^ (word &+ (0x80 - 0x61) &* ones) ^ (word &+ (0x80 - 0x67) &* ones)
    }

    /// The number that eight digits stand for, the first in the lowest place.
    @inlinable @inline(__always)
    static func number(_ digits: UInt64) -> UInt64 {
        let letters = digits >> 6 & ones
        let values = (digits & (0x0F &* ones)) &+ 9 &* letters
        // Each product puts a value beside its left neighbour, which counts for more.
        let bytes = (values &* 0x1001) >> 8 & 0x00FF_00FF_00FF_00FF
        let halves = (bytes &* 0x0100_0001) >> 16 & 0x0000_FFFF_0000_FFFF
        return (halves &* 0x0001_0000_0000_0001) >> 32
    }
}
