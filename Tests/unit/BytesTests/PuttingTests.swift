// Texts and numbers that are put into a span one behind the other.

import Testing

@testable import Bytes

@Suite struct PuttingTests {
    /// What is put behind one byte, in so much room.
    private func put(_ room: Int, _ body: (inout MutableSpan<UInt8>, inout Int) -> Void) -> [UInt8]
    {
        var output = [UInt8](repeating: 99, count: room)
        var text = output.mutableSpan
        var place = 1
        body(&text, &place)
        #expect(output[0] == 99)
        return Array(output[1..<place])
    }

    @Test func shortTextOfEachLengthIsPut() {
        for length in 0...ShortText.lengthMax {
            let text = String((0..<length).map { Character(Unicode.Scalar(UInt8(0x41 + $0))) })
            let short = ShortText(text)
            #expect(short.count == length)
            let found = put(1 + ShortText.lengthMax) { $0.put(short, at: &$1) }
            #expect(found == Array(text.utf8))
        }
    }

    @Test(arguments: [0, 1, 23, 24, 25, 47, 48, 49, 130])
    func partsArePutOneBehindTheOther(length: Int) {
        let text = String((0..<length).map { Character(Unicode.Scalar(UInt8(0x21 + $0 % 90))) })
        let found = put(1 + length + ShortText.lengthMax) { output, place in
            output.put(ShortText.parts(text), at: &place)
            output.put(ShortText("."), at: &place)
        }
        #expect(found == Array((text + ".").utf8))
    }

    @Test func bytesOfEachLengthArePutWhereTheyJustFit() {
        for length in 0...40 {
            let bytes = (0..<length).map { UInt8($0) }
            #expect(put(1 + length) { $0.put(bytes.span, at: &$1) } == bytes)
        }
    }

    @Test(arguments: [0, 1, 9, 10, 99, 100, 1_795_968_516, .max] as [UInt64])
    func numberIsPutInDigits(number: UInt64) {
        let digits = Array(String(number).utf8)
        #expect(put(1 + digits.count) { $0.put(decimal: number, at: &$1) } == digits)
    }

    @Test func numberHasZerosInFrontUpToItsWidth() {
        #expect(put(4) { $0.putDigits(7, width: 3, at: &$1) } == Array("007".utf8))
        #expect(put(4) { $0.putDigits(42, width: 3, at: &$1) } == Array("042".utf8))
        #expect(put(4) { $0.putDigits(999, width: 3, at: &$1) } == Array("999".utf8))
        #expect(put(4) { $0.putDigits(12_345, width: 3, at: &$1) } == Array("345".utf8))
    }

    @Test(arguments: [
        "", "api-consumer-id", #"a"b\c"#, "\u{0}\u{1F}\t\n", "Zoë €",
        "more than a word, then a \" in it",
    ])
    func contentOfAStringIsWhatTheWriterWrites(text: String) {
        var expected: [UInt8] = []
        JSONWriter.appendString(text, to: &expected)
        let room = 1 + JSONWriter.growth * text.utf8.count
        let found = put(room) { JSONWriter.putContent(text.utf8Span.span, in: &$0, at: &$1) }
        #expect(found == Array(expected.dropFirst().dropLast()))
    }
}
