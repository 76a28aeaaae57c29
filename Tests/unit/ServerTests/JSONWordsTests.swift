// What JSON strings say about eight bytes at a time, beside saying it byte by byte.

import Bytes
import Testing

@testable import Server

@Suite struct JSONWordsTests {
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
                #expect((JSONWords.escaped(word) != 0) == Self.isEscaped(byte))
                let special = JSONWords.special(word)
                #expect((special != 0) == (Self.isEscaped(byte) || byte >= 0x80))
                if special != 0 { #expect(special.trailingZeroBitCount / 8 == place) }
            }
        }
    }

    @Test func textIsPlainWhereNothingInItMustBeEscaped() {
        for length in 0...40 {
            let text = String(repeating: "é", count: length / 2) + "a"
            #expect(JSONWriter.isPlain(text))
            for scalar: Unicode.Scalar in ["\"", "\\", "\u{1F}", "\0"] {
                for at in 0...text.unicodeScalars.count {
                    var scalars = Array(text.unicodeScalars)
                    scalars.insert(scalar, at: at)
                    var worse = ""
                    worse.unicodeScalars.append(contentsOf: scalars)
                    #expect(!JSONWriter.isPlain(worse))
                }
            }
        }
    }

    @Test func plainTextIsWrittenBetweenQuotes() {
        for length in 0...40 {
            let text = String(repeating: "x", count: length)
            var output = Array("before".utf8)
            JSONWriter.appendString(text, to: &output)
            #expect(output == Array("before\"\(text)\"".utf8))
        }
    }
}
