// What the standards say that comes out, and what swift-crypto, which the server used before, has made: stores,
// audit logs and key files of older versions live on.

import Testing
import Tokens

@testable import Crypto

/// - Parameter text: hexadecimal digits, with spaces where one likes.
private func bytes(_ text: String) -> [UInt8] {
    var digits = text.filter { $0 != " " }[...]
    var bytes: [UInt8] = []
    while let byte = UInt8(digits.prefix(2), radix: 16) {
        bytes.append(byte)
        digits = digits.dropFirst(2)
    }
    return bytes
}

private func text(_ bytes: [UInt8]) -> String {
    bytes.map { byte in
        let digits = String(byte, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
    }.joined()
}

@Suite struct KnownAnswerTests {
    private let openSSL = OpenSSL()

    /// FIPS 180-4, as NIST's examples have it (SHA256.pdf), and two of its SHA256ShortMsg.rsp.
    @Test(
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("616263", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                text(Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8)),
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
            ("d3", "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1"),
            (
                "5738c929c4f4ccb6",
                "963bb88f27f512777aab6c8b1a02c70ec0ad651d428f870036e1917120fb48bf"
            ),
        ])
    func digestIsSHA256(message: String, digest: String) {
        let found = openSSL.digest(bytes(message).span)
        #expect(text(found) == digest)
    }

    @Test func millionLettersAreHashed() {
        let letters = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
        let found = openSSL.digest(letters.span)
        #expect(
            text(found) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    /// RFC 4231, test cases 1, 2, 3, 6 and 7.
    @Test(
        arguments: [
            (
                [UInt8](repeating: 0x0B, count: 20), Array("Hi There".utf8),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
            (
                [UInt8](repeating: 0xAA, count: 20), [UInt8](repeating: 0xDD, count: 50),
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
            ),
            (
                [UInt8](repeating: 0xAA, count: 131),
                Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
            ),
            (
                [UInt8](repeating: 0xAA, count: 131),
                Array(
                    ("This is a test using a larger than block-size key and a larger than "
                        + "block-size data. The key needs to be hashed before being used by the "
                        + "HMAC algorithm.").utf8),
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"
            ),
        ])
    func authenticationCodeIsHMAC(key: [UInt8], message: [UInt8], code: String) {
        let found = openSSL.authenticationCode(message.span, key: key.span)
        #expect(text(found) == code)
    }

    /// FIPS 197, appendices B and C.1, and SP 800-38A, F.1.1.
    @Test(
        arguments: [
            (
                "2b7e151628aed2a6abf7158809cf4f3c", "3243f6a8885a308d313198a2e0370734",
                "3925841d02dc09fbdc118597196a0b32"
            ),
            (
                "000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff",
                "69c4e0d86a7b0430d8cdb78070b4c55a"
            ),
            (
                "2b7e151628aed2a6abf7158809cf4f3c", "6bc1bee22e409f96e93d7e117393172a",
                "3ad77bb40d7a3660a89ecaf32466ef97"
            ),
            (
                "2b7e151628aed2a6abf7158809cf4f3c", "ae2d8a571e03ac9c9eb76fac45af8e51",
                "f5d3d58503b9699de785895a96fdbaaf"
            ),
        ])
    func blockIsAES128(key: String, plain: String, sealed: String) throws {
        func block(_ text: String) throws -> BlockCipher.Block {
            (
                try #require(UInt64(text.prefix(16), radix: 16)),
                try #require(UInt64(text.suffix(16), radix: 16))
            )
        }
        let cipher = openSSL.blockCipher(key: bytes(key).span)
        // The context is kept: no call says anything to the next.
        for _ in 0..<3 {
            #expect(cipher.seal(try block(plain)) == (try block(sealed)))
            #expect(cipher.open(try block(sealed)) == (try block(plain)))
        }
    }

    @Test(arguments: 0...40)
    func equalityLooksAtEveryByte(count: Int) {
        let one = [UInt8](0..<UInt8(count))
        func isEqual(_ other: [UInt8]) -> Bool { openSSL.isEqual(one.span, other.span) }
        #expect(isEqual([UInt8](0..<UInt8(count))))
        #expect(!isEqual(one + [0]))
        #expect(one.isEmpty || !isEqual(one.dropLast()))
        for at in one.indices {
            for bit in 0..<8 {
                var other = one
                other[at] ^= 1 << bit
                #expect(!isEqual(other))
            }
        }
    }
}
