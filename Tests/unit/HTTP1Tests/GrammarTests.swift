// Classifying bytes eight at a time, beside doing it one by one.

import Bytes
import Testing

@testable import HTTP1

@Suite struct GrammarTests {
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
}
