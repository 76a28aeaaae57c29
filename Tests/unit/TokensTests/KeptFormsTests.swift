// What 0.7.0 has made with another library: stores, key files and codes under way hold it.

import CryptoForTests
import Testing

@testable import Tokens

@Suite struct KeptFormsTests {
    /// Sealed with `testKey` by a server of 0.7.0, in the second of 2026-11-29T06:29:50.
    @Test(
        arguments: [
            ("67fc731a0f38539b6f5eae401186d982", 0x01A2_25FE_E103_2D8C, 0x3CB9_83D7_F90F_30DA),
            ("b7b1f95b3cefb0c93f3fa84fa06d28d1", 0x01A2_25FE_E105_F27E, 0x8BED_BA31_2EDF_3840),
        ] as [(String, UInt64, UInt64)])
    func codesAreOpenedAndSealedAsBefore(text: String, high: UInt64, low: UInt64) throws {
        let sealer = IdentifierSealer(Keyring(testKey))
        let code = Array(text.utf8)
        let read = SealedIdentifier(code: code.span)
        let sealed = try #require(read)
        let inside = Identifier(high: high, low: low)
        #expect(sealer.open(sealed) { _ in true }?.identifier == inside)
        #expect(sealer.seal(inside) == sealed)
        #expect(inside.issuedAt / 1000 == 1_795_933_790)
    }

    @Test func keysAreKnownAgain() {
        #expect(
            testKey.fingerprint.text
                == "ee32a5e6b0fb48b7655c958d7ec092cf3b422847f5c6c527078b177a87bdfbe6")
    }

    /// HMAC-SHA-256 of the label under `testKey`, of which the first 16 bytes count.
    @Test func repetitionsAreProvenAsBefore() {
        let derived: [UInt8] = [
            0x97, 0x42, 0x55, 0xA8, 0x4D, 0x21, 0xF3, 0xC6,
            0xD3, 0xA0, 0xB6, 0x7D, 0x43, 0x06, 0x73, 0xBF,
        ]
        let (found, expected) = (testKey.exchangeHash.finished(), KeyedHash(key: derived.span))
        #expect(found == expected.finished())
    }

    @Test func clientsAndSecretsAreKnownAgain() {
        #expect(Client.Tag(of: "api-consumer-id").number == 0x0C4A_973C_1430_2AE8)
        #expect(
            RegistryContent.sandbox.clients["api-consumer-id"]?.secret
                == SecretDigest(of: Array("password".utf8)))
    }
}
