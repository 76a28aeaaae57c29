// The texts of sealed identifiers, there and back, beside the digits of the standard library.

import Testing

@testable import Tokens

@Suite struct SealedIdentifierTests {
    private static let numbers: [UInt64] =
        (0..<64).map { 1 << $0 } + (0..<64).map { UInt64.max >> $0 }
        + (0..<16).map { 0x1111_1111_1111_1111 * $0 } + [0x0123_4567_89AB_CDEF]

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    private func padded(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    @Test(arguments: numbers)
    func digitsAreThoseOfTheNumber(number: UInt64) {
        let sealed = SealedIdentifier(high: number, low: ~number)
        var code: [UInt8] = []
        sealed.appendCode(to: &code)
        #expect(text(code) == padded(number) + padded(~number))
        #expect(SealedIdentifier(code: code.span) == sealed)
        var token: [UInt8] = []
        sealed.appendToken(to: &token)
        let groups = text(token).split(separator: "-")
        #expect(groups.map(\.count) == [8, 4, 4, 4, 12])
        #expect(groups.joined() == text(code))
        #expect(SealedIdentifier(token: token.span) == sealed)
    }

    @Test(arguments: UInt8.min...UInt8.max)
    func onlyLowerCaseDigitsAreRead(byte: UInt8) {
        for position in 0..<32 {
            var code = [UInt8](repeating: UInt8(ascii: "0"), count: 32)
            code[position] = byte
            let isDigit = "0123456789abcdef".utf8.contains(byte)
            #expect((SealedIdentifier(code: code.span) != nil) == isDigit)
        }
    }

    @Test(arguments: UInt8.min...UInt8.max)
    func tokenHasHyphensInTheirPlacesAndDigitsElsewhere(byte: UInt8) {
        for position in 0..<36 {
            var token = Array("00000000-0000-0000-0000-000000000000".utf8)
            let isHyphen = token[position] == UInt8(ascii: "-")
            token[position] = byte
            let fits = (isHyphen ? "-" : "0123456789abcdef").utf8.contains(byte)
            #expect((SealedIdentifier(token: token.span) != nil) == fits)
        }
        #expect(SealedIdentifier(token: [UInt8](repeating: 0x30, count: 36).span) == nil)
        #expect(SealedIdentifier(token: [UInt8](repeating: 0x30, count: 35).span) == nil)
    }

    @Test(arguments: [0, 1, 31, 33, 64])
    func otherLengthsAreNoCode(length: Int) {
        #expect(SealedIdentifier(code: [UInt8](repeating: 0x30, count: length).span) == nil)
    }
}
