// JSON strings: what is escaped, beside saying it byte by byte.

import Testing

@testable import Bytes

@Suite struct JSONWriterTests {
    @Test func writerEscapesWhatItMust() {
        var output: [UInt8] = []
        JSONWriter.appendString("\"\\/\u{0}\u{1f}\u{8}\t\n\u{c}\r\u{7f}é😀", to: &output)
        #expect(
            String(decoding: output, as: UTF8.self)
                == #""\"\\/\u0000\u001f\b\t\n\f\r"# + "\u{7f}é😀\"")
    }

    private static func isEscaped(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    @Test(arguments: UInt8.min...UInt8.max)
    func everyByteIsEscapedOrNotAtEveryPlace(byte: UInt8) {
        for neighbour: UInt8 in [0x20, 0x21, 0x23, 0x5B, 0x5D, 0x7F] {
            for place in 0..<8 {
                var bytes = [UInt8](repeating: neighbour, count: 8)
                bytes[place] = byte
                let word = bytes.span.word(at: 0)
                #expect((JSONWriter.escaped(word) != 0) == Self.isEscaped(byte))
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
