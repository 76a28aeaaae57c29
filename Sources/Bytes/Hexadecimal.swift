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
    @inlinable
    public static func number(_ bytes: Span<UInt8>) -> UInt64? {
        guard bytes.count == 16, let high = number(bytes, 0), let low = number(bytes, 8) else {
            return nil
        }
        return UInt64(high) << 32 | UInt64(low)
    }

    /// The number that the eight digits from `start` on stand for, or nil.
    @inlinable @inline(__always)
    static func number(_ bytes: Span<UInt8>, _ start: Int) -> UInt32? {
        let digits = bytes.word(at: start)
        // The way back of `digits(_:)`, for whatever stands there: what is no digit makes a number
        // of other digits.
        let letters = digits >> 6 & ones
        var number = (digits & (0x0F &* ones)) &+ 9 &* letters
        number = (number << 4 | number >> 8) & 0x00FF_00FF_00FF_00FF
        number = (number | number >> 8) & 0x0000_FFFF_0000_FFFF
        let result = UInt32(truncatingIfNeeded: number | number >> 16).byteSwapped
        return self.digits(result) == digits ? result : nil
    }
}
