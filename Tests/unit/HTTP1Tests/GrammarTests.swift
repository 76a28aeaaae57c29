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

    /// What is looked for eight bytes at a time: no byte that matters is ever passed by, and the first
    /// that stops is the first that may.
    struct Search: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// The first of eight bytes that stops, as the lowest highest bit of a byte that is set.
        let first: @Sendable (UInt64) -> UInt64
        /// True for bytes that it goes over.
        let passes: @Sendable (UInt8) -> Bool
    }

    private static let searches = [
        Search(testDescription: "names", first: Grammar.beyondNames) {
            Grammar.isToken($0) && ($0 >= 0x41 && $0 <= 0x7A || $0 == UInt8(ascii: "-"))
                && $0 != UInt8(ascii: "^") && $0 != UInt8(ascii: "`")
        },
        Search(testDescription: "hosts", first: Grammar.beyondHosts) {
            Grammar.isToken($0) && ($0 >= 0x2D && $0 <= 0x7A) && !"^_`".utf8.contains($0)
        },
        Search(testDescription: "targets", first: Grammar.beyondTargets, passes: Grammar.isTarget),
        Search(testDescription: "question marks", first: Grammar.questionMarks) {
            $0 != UInt8(ascii: "?")
        },
    ]

    @Test(arguments: searches)
    func wordsStopAtTheFirstByteThatBytesStopAt(_ search: Search) {
        let neighbours = (UInt8.min...UInt8.max).filter(search.passes)
        #expect(!neighbours.isEmpty)
        for neighbour in neighbours {
            for byte in UInt8.min...UInt8.max {
                for place in 0..<8 {
                    // Behind the byte stand some that stop and some that do not.
                    for behind in [neighbour, 0x00, 0x3F, 0x80, 0xFF] {
                        var bytes = [UInt8](repeating: neighbour, count: 8)
                        bytes[place] = byte
                        for at in 0..<8 where at > place { bytes[at] = behind }
                        let expected = bytes.firstIndex { !search.passes($0) } ?? 8
                        let found = search.first(bytes.span.word(at: 0)).trailingZeroBitCount / 8
                        if found != expected {
                            Issue.record("\(bytes): \(found) and not \(expected)")
                            return
                        }
                    }
                }
            }
        }
    }
}
