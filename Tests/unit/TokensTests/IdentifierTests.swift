// Sealed identifiers: what they look like, what they open to, and that they do not print.

import CryptoForTests
import Testing

@testable import Tokens

@Suite struct IdentifierTests {
    @Test func sealedIdentifierOpensToItself() {
        let sealer = IdentifierSealer(Keyring(testKey))
        var random = systemRandom()
        for _ in 0..<1000 {
            let (high, low) = random.next()
            let id = Identifier(
                issuedAt: 1_700_000_000_123, randomHigh: UInt16(truncatingIfNeeded: high),
                randomLow: low)
            let sealed = sealer.seal(id)
            #expect(sealer.open(sealed) { $0.issuedAt == id.issuedAt }?.identifier == id)
            #expect(sealed.high != id.high || sealed.low != id.low)
            #expect(id.issuedAt == 1_700_000_000_123)
            var text: [UInt8] = []
            sealed.appendCode(to: &text)
            #expect(SealedIdentifier(code: text.span) == sealed)
        }
    }

    /// FIPS 197, appendix C.1.
    @Test func sealIsAES128() {
        let sealer = IdentifierSealer(Keyring(testKey))
        let sealed = sealer.seal(
            Identifier(high: 0x0011_2233_4455_6677, low: 0x8899_AABB_CCDD_EEFF))
        #expect(sealed.high == 0x69C4_E0D8_6A7B_0430)
        #expect(sealed.low == 0xD8CD_B780_70B4_C55A)
    }

    @Test func identifierIsOrderedByTime() {
        let early = Identifier(issuedAt: 1000, randomHigh: .max, randomLow: .max)
        let late = Identifier(issuedAt: 1001, randomHigh: 0, randomLow: 0)
        #expect(early < late)
    }

    @Test func textsHaveTheirShape() {
        let sealed = SealedIdentifier(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)
        var (code, token): ([UInt8], [UInt8]) = ([], [])
        sealed.appendCode(to: &code)
        sealed.appendToken(to: &token)
        #expect(String(decoding: code, as: UTF8.self) == "0123456789abcdeffedcba9876543210")
        #expect(String(decoding: token, as: UTF8.self) == "01234567-89ab-cdef-fedc-ba9876543210")
    }

    @Test(arguments: [
        "", "0123456789abcdeffedcba987654321", "0123456789abcdeffedcba98765432100",
        "0123456789ABCDEFfedcba9876543210", "0123456789abcdeffedcba987654321g",
    ])
    func whatIsNoCodeIsNotRead(text: String) {
        let bytes = Array(text.utf8)
        #expect(SealedIdentifier(code: bytes.span) == nil)
    }

    @Test func secretsDoNotPrint() {
        let sealed = SealedIdentifier(high: 1, low: 2)
        for text in ["\(sealed)", "\(testKey)", "\(SecretDigest(of: [1]))"] {
            #expect(text.contains("redacted"))
        }
    }

    @Test func randomPoolGivesItsBytesInOrderAndForgetsThem() {
        var blocks: [[UInt8]] = []
        var pool = RandomPool { bytes in
            blocks.append(bytes)
            for index in bytes.indices { bytes[index] = UInt8(truncatingIfNeeded: index) | 1 }
        }
        #expect(pool.next() == (0x0101_0303_0505_0707, 0x0909_0B0B_0D0D_0F0F))
        #expect(pool.next() == (0x1111_1313_1515_1717, 0x1919_1B1B_1D1D_1F1F))
        for _ in 2...RandomPool.blockBytes / 16 { _ = pool.next() }
        let empty = [UInt8](repeating: 0, count: RandomPool.blockBytes)
        #expect(blocks == [empty, empty], "nothing is left when the block is filled again")
    }

    @Test func randomPoolNeverGivesTheSameBytesTwice() {
        var fills = 0
        var pool = RandomPool { bytes in
            fills += 1
            for index in bytes.indices {
                bytes[index] = UInt8(truncatingIfNeeded: index / 16 + fills)
            }
        }
        for _ in 0..<RandomPool.blockBytes / 16 { _ = pool.next() }
        #expect(fills == 1)
        _ = pool.next()
        #expect(fills == 2)
    }
}
