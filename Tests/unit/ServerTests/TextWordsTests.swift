// What JSON strings say about eight bytes at a time, beside saying it byte by byte.

import Bytes
import Testing

@testable import Server

@Suite struct TextWordsTests {
    private static func isEscaped(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    @Test(arguments: UInt8.min...UInt8.max)
    func everyByteIsClassifiedAtEveryPlace(byte: UInt8) {
        for neighbour: UInt8 in [0x20, 0x21, 0x23, 0x5B, 0x5D, 0x7F] {
            for place in 0..<8 {
                var bytes = [UInt8](repeating: neighbour, count: 8)
                bytes[place] = byte
                let word = bytes.span.word(at: 0)
                let special = TextWords.special(word)
                #expect((special != 0) == (Self.isEscaped(byte) || byte >= 0x80))
                if special != 0 { #expect(special.trailingZeroBitCount / 8 == place) }
            }
        }
    }

    private static func isVisible(_ byte: UInt8) -> Bool { (0x21...0x7E).contains(byte) }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        "0123456789abcdefABCDEF".utf8.contains(byte)
    }

    @Test(arguments: UInt8.min...UInt8.max)
    func everyByteIsVisibleOrHexadecimalOrNotAtEveryPlace(byte: UInt8) {
        for neighbour in "09AFaf".utf8 {
            for place in 0..<8 {
                var bytes = [UInt8](repeating: neighbour, count: 8)
                bytes[place] = byte
                let word = bytes.span.word(at: 0)
                #expect((TextWords.beyondVisible(word) == 0) == Self.isVisible(byte))
                #expect((TextWords.beyondHexadecimal(word) == 0) == Self.isHexadecimal(byte))
            }
        }
    }

    /// What stands before and behind the text does not matter.
    private static func isVisible(_ text: [UInt8], _ lengths: ClosedRange<Int>) -> Bool {
        let bytes = [0] + text + [0]
        return HeaderRules.isVisible(bytes.span, 1..<text.count + 1, lengths)
    }

    @Test func visibleTextIsVisibleToTheLastByte() {
        for length in 0...40 {
            let text = [UInt8](repeating: UInt8(ascii: "x"), count: length)
            #expect(Self.isVisible(text, 0...40))
            #expect(!Self.isVisible(text, length + 1...41))
            for at in 0..<length {
                for byte: UInt8 in [0, 0x20, 0x7F, 0x80, 0xFF] {
                    var other = text
                    other[at] = byte
                    #expect(!Self.isVisible(other, 0...40))
                }
            }
        }
    }

    private static func interactionID(_ bytes: [UInt8]) -> [UInt8]? {
        InteractionID(bytes.span).map { Array($0.string.utf8) }
    }

    @Test(arguments: UInt8.min...UInt8.max)
    func interactionIDsAreUUIDs(byte: UInt8) {
        for text in [
            "01234567-89ab-cdef-ABCD-EF0123456789", "ffffffff-ffff-FFFF-ffff-ffffffffffff",
        ] {
            let bytes = Array(text.utf8)
            #expect(Self.interactionID(bytes) == bytes)
            for place in bytes.indices {
                var other = bytes
                other[place] = byte
                let isHyphen = bytes[place] == UInt8(ascii: "-")
                let isTaken = isHyphen ? byte == bytes[place] : Self.isHexadecimal(byte)
                let expected = isTaken ? other : nil
                #expect(Self.interactionID(other) == expected)
            }
            #expect(Self.interactionID(bytes + [byte]) == nil)
            #expect(Self.interactionID(Array(bytes.dropLast())) == nil)
        }
    }
}
