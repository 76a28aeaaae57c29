// SipHash-2-4 with 128 bits, against OpenSSL.

import CryptoForTests
import Testing

@testable import Tokens

@Suite struct KeyedHashTests {
    /// `openssl mac -macopt hexkey:000102…0f -macopt size:16 SIPHASH` of the bytes 0, 1, 2, …
    @Test(
        arguments: [
            (0, 0xA381_7F04_BA25_A8E6, 0x6DF6_7214_C755_0293),
            (1, 0x3B62_A9BA_6258_F561, 0x0F83_E264_F314_97B4),
            (8, 0x1EAF_077D_C0D4_CD3F, 0x8CAD_4D38_3658_A74B),
            (16, 0xD1B4_BD39_0255_083D, 0xDABE_483D_6E7A_F066),
        ] as [(UInt64, UInt64, UInt64)])
    func isWhatOpenSSLMakesOfIt(words: UInt64, first: UInt64, second: UInt64) {
        var hash = KeyedHash(key: (0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908))
        for word in 0..<words { hash.take(0x0706_0504_0302_0100 &+ word &* 0x0808_0808_0808_0808) }
        let found = hash.finished()
        #expect(found.0.byteSwapped == first && found.1.byteSwapped == second)
        let again = hash.finished()
        #expect(again == found, "finishing changes nothing")
    }

    /// Whole words, then the rest as one more, then the length.
    @Test(arguments: 0...40)
    func textIsTakenInWords(count: Int) {
        let text = (0..<count).map { UInt8($0) &* 37 &+ 1 }
        var (hash, expected) = (
            KeyedHash(key: (1, 2)), KeyedHash(key: (1, 2))
        )
        hash.take(text.span)
        for start in stride(from: 0, through: count, by: 8) {
            var word: UInt64 = 0
            for at in start..<min(start + 8, count) {
                word |= UInt64(text[at]) << UInt64(8 * (at - start))
            }
            expected.take(word)
        }
        expected.take(UInt64(count))
        let (found, wanted) = (hash.finished(), expected.finished())
        #expect(found == wanted)
    }

    @Test func keyOfTheHashSaysNothingOfTheSealingKey() {
        let other = SealingKey { bytes in for index in bytes.indices { bytes[index] = 9 } }
        let (one, two) = (testKey.exchangeHash.finished(), other.exchangeHash.finished())
        #expect(one != two)
        let plain = KeyedHash(key: (0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908)).finished()
        #expect(one != plain, "the key is a derived one")
    }
}
