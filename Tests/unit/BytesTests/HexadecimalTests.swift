// Hexadecimal digits, there and back, beside what the standard library says.

import Bytes
import Testing

@Suite struct HexadecimalTests {
    private static let numbers: [UInt64] =
        (0..<64).map { 1 << $0 } + (0..<64).map { UInt64.max >> $0 }
        + (0..<16).map { 0x1111_1111_1111_1111 * $0 } + [0x0123_4567_89AB_CDEF]

    private static func padded(_ number: some BinaryInteger, _ count: Int) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: count - digits.count) + digits
    }

    @Test(arguments: UInt8.min...UInt8.max)
    func everyByteIsADigitOrNot(byte: UInt8) {
        let text = String(UnicodeScalar(byte))
        let isDigit = "0123456789abcdefABCDEF".utf8.contains(byte)
        #expect(Hexadecimal.value(byte) == (isDigit ? UInt8(text, radix: 16) : nil))
        let isLowercase = "0123456789abcdef".utf8.contains(byte)
        #expect(Hexadecimal.lowercaseValue(byte) == (isLowercase ? UInt8(text, radix: 16) : nil))
    }

    @Test(arguments: UInt8.min...UInt8.max)
    func bytesBecomeTwoDigitsEach(byte: UInt8) {
        let other = byte &+ 0x5A
        let expected = Self.padded(byte, 2) + Self.padded(other, 2)
        var digits = Array("x".utf8)
        Hexadecimal.append(byte, to: &digits)
        Hexadecimal.append([other], to: &digits)
        #expect(String(decoding: digits, as: UTF8.self) == "x" + expected)
        #expect(Hexadecimal.text([byte, other]) == expected)
        #expect(Hexadecimal.bytes(expected.utf8) == [byte, other])
    }

    @Test(arguments: ["0", "000", "0g", "g0", "A0", "0A", "00 ", " 00", "0x00", "-1", "é"])
    func otherTextsStandForNoBytes(text: String) {
        #expect(Hexadecimal.bytes(text.utf8) == nil)
    }

    @Test func noDigitsStandForNoBytes() {
        #expect(Hexadecimal.bytes([]) == [])
    }

    @Test(arguments: numbers)
    func numbersBecomeTheirDigits(number: UInt64) {
        var text: [UInt8] = []
        text.append(addingCapacity: 16) { output in
            Hexadecimal.append(UInt32(number >> 32), to: &output)
            Hexadecimal.append(UInt32(truncatingIfNeeded: number), to: &output)
        }
        #expect(String(decoding: text, as: UTF8.self) == Self.padded(number, 16))
        #expect(Hexadecimal.number(text.span) == number)
        let digits = Hexadecimal.digits(UInt32(number >> 32))
        #expect((0..<8).map { Hexadecimal.byte(digits, $0) } == Array(text[..<8]))
    }

    @Test(arguments: UInt8.min...UInt8.max)
    func onlyLowercaseDigitsMakeANumber(byte: UInt8) {
        for position in 0..<16 {
            for neighbour in "09af".utf8 {
                var digits = [UInt8](repeating: neighbour, count: 16)
                digits[position] = byte
                let isDigit = "0123456789abcdef".utf8.contains(byte)
                let number = Hexadecimal.number(digits.span)
                #expect((number != nil) == isDigit, "position \(position)")
                if isDigit {
                    #expect(number == UInt64(String(decoding: digits, as: UTF8.self), radix: 16))
                }
            }
        }
    }

    @Test(arguments: [0, 1, 8, 15, 17, 32])
    func otherLengthsMakeNoNumber(length: Int) {
        #expect(Hexadecimal.number([UInt8](repeating: 0x30, count: length).span) == nil)
    }
}
