// Texts compared by the word, beside comparing them byte by byte.

import Testing

@testable import Bytes

@Suite struct KnownTextTests {
    private static let letters = "abcdefghijklmnopqrstuvwxyz-_0123456789"

    private static func text(_ length: Int) -> String {
        String((0..<length).map { Array(letters)[($0 * 7) % letters.count] })
    }

    private static func matches(_ known: KnownText, _ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        known.matches(bytes.span, range)
    }

    private static func begins(_ known: KnownText, _ bytes: [UInt8], _ start: Int) -> Bool {
        known.begins(bytes.span, at: start)
    }

    /// At every distance from the end of the bytes, and with every byte changed.
    @Test(arguments: 1...32)
    func onlyTheTextMatches(length: Int) {
        let text = Self.text(length)
        let known = KnownText(text)
        let folded = KnownText(text, ignoringCase: true)
        for before in [0, 1, 9] {
            for behind in [0, 1, 7, 31, 32, 40] {
                let bytes =
                    [UInt8](repeating: 0x61, count: before) + Array(text.utf8)
                    + [UInt8](repeating: 0x62, count: behind)
                let range = before..<before + length
                #expect(Self.matches(known, bytes, range))
                #expect(Self.matches(folded, bytes, range))
                for start in 0...bytes.count {
                    let begins = bytes[start...].starts(with: text.utf8)
                    #expect(Self.begins(known, bytes, start) == begins)
                }
                for at in range {
                    var other = bytes
                    other[at] ^= 0x20
                    let isLetter = bytes[at] >= 0x61
                    #expect(!Self.matches(known, other, range))
                    #expect(Self.matches(folded, other, range) == (isLetter && bytes[at] < 0x7B))
                    other[at] = bytes[at] ^ 1
                    #expect(!Self.matches(known, other, range))
                    #expect(!Self.matches(folded, other, range))
                    other[at] = bytes[at] ^ 0x80
                    #expect(!Self.matches(folded, other, range))
                }
                #expect(!Self.matches(known, bytes, before..<before + length - 1))
            }
        }
    }
}
