// Comparing and classifying bytes several at a time, beside doing it one by one.

import Testing

@testable import HTTP1

@Suite struct ByteWordsTests {
    private static func areEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        HTTP1.areEqual(one.span, other.span)
    }

    @Test func equalMeansTheSameToTheLastByte() {
        for length in 0...100 {
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7 + 97) }
            #expect(Self.areEqual(bytes, Array(bytes)))
            #expect(!Self.areEqual(bytes, bytes + [0]))
            for at in 0..<length {
                var other = bytes
                other[at] ^= 1 << UInt8(at % 8)
                #expect(!Self.areEqual(bytes, other), "length \(length), byte \(at)")
            }
        }
    }

    @Test func wordsHoldTheirFirstByteLowest() {
        let bytes: [UInt8] = [9, 1, 2, 3, 4, 5, 6, 7, 8, 9]
        let word = bytes.span.word(at: 1)
        #expect(word == 0x0807_0605_0403_0201)
    }

    @Test(arguments: UInt8.min...UInt8.max)
    func everyByteIsClassifiedAtEveryPlace(byte: UInt8) {
        for neighbour: UInt8 in [0x20, 0x7E, 0x80, 0xFF] {
            for place in 0..<8 {
                var bytes = [UInt8](repeating: neighbour, count: 8)
                bytes[place] = byte
                let controls = Grammar.controls(bytes.span.word(at: 0))
                let isPlain = Grammar.isFieldValue(byte) && byte != Grammar.tab
                #expect((controls == 0) == isPlain)
                if !isPlain { #expect(controls.trailingZeroBitCount / 8 == place) }
            }
        }
    }

    @Test func onlyTheCaseOfLettersIsIgnored() {
        let name = Array("fi_reference_id@[`{-09".utf8)
        for at in name.indices {
            for byte in UInt8.min...UInt8.max {
                var other = name
                other[at] = byte
                let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(name[at])
                let isEqual = byte == name[at] || isLetter && byte == name[at] - 0x20
                let found = equalIgnoringCase(other.span, 0..<other.count, name)
                #expect(found == isEqual)
            }
        }
    }
}
