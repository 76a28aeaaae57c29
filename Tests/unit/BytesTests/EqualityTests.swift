// Comparing bytes several at a time, beside doing it one by one.

import Bytes
import Testing

@Suite struct EqualityTests {
    private static func areEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        Bytes.areEqual(one.span, other.span)
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

    @Test func onlyTheRangeIsCompared() {
        let bytes = Array("abcabd".utf8)
        for start in 0...bytes.count {
            for end in start...bytes.count {
                let isEqual = Array(bytes[start..<end]) == Array("ab".utf8)
                #expect(bytesEqual(bytes.span, start..<end, Array("ab".utf8)) == isEqual)
                #expect(equalIgnoringCase(bytes.span, start..<end, Array("ab".utf8)) == isEqual)
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
