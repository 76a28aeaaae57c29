// Eight bytes as one number.

import Bytes
import Testing

@Suite struct WordsTests {
    @Test func wordsHoldTheirFirstByteLowest() {
        let bytes: [UInt8] = [9, 1, 2, 3, 4, 5, 6, 7, 8, 9]
        let word = bytes.span.word(at: 1)
        #expect(word == 0x0807_0605_0403_0201)
    }

    @Test func storedWordsAreReadAgainAndNothingElseChanges() {
        for start in 0...4 {
            var bytes = [UInt8](repeating: 0xEE, count: 12)
            var span = bytes.mutableSpan
            span.store(0x0807_0605_0403_0201, at: start)
            let expected =
                [UInt8](repeating: 0xEE, count: start) + [1, 2, 3, 4, 5, 6, 7, 8]
                + [UInt8](repeating: 0xEE, count: 4 - start)
            #expect(bytes == expected)
        }
    }
}
