// Lower-case hexadecimal digits of numbers and back, eight at a time.

enum Hexadecimal {
    private static let ones: UInt64 = 0x0101_0101_0101_0101

    /// Appends the eight digits of `number`.
    @inline(__always)
    static func append(_ number: UInt32, to output: inout OutputSpan<UInt8>) {
        let digits = digits(number)
        for shift in stride(from: UInt64(0), to: 64, by: 8) {
            output.append(UInt8(truncatingIfNeeded: digits >> shift))
        }
    }

    /// The eight digits as bytes, the first in the lowest place.
    @inline(__always)
    static func digits(_ number: UInt32) -> UInt64 {
        var digits = UInt64(number.byteSwapped)
        digits = (digits | digits << 16) & 0x0000_FFFF_0000_FFFF
        digits = (digits | digits << 8) & 0x00FF_00FF_00FF_00FF
        digits = (digits >> 4 | digits << 8) & 0x0F0F_0F0F_0F0F_0F0F
        // 1 in each byte that is 10 or more: a letter.
        let letters = (digits &+ 6 &* ones) >> 4 & ones
        return digits &+ 0x30 &* ones &+ letters &* 0x27
    }

    /// One of the bytes that `digits` gives.
    @inline(__always)
    static func byte(_ digits: UInt64, _ index: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: digits &>> UInt64(8 &* index))
    }

    /// The number that 16 digits stand for, or nil.
    static func number(_ bytes: Span<UInt8>) -> UInt64? {
        guard bytes.count == 16, let high = number(bytes, 0), let low = number(bytes, 8) else {
            return nil
        }
        return UInt64(high) << 32 | UInt64(low)
    }

    /// The number that the eight digits from `start` on stand for, or nil.
    @inline(__always)
    private static func number(_ bytes: Span<UInt8>, _ start: Int) -> UInt32? {
        var digits: UInt64 = 0
        for index in 0..<8 { digits |= UInt64(bytes[start &+ index]) << UInt64(8 &* index) }
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
