// Base64, as RFC 4648 writes it and as it may not be written.

import Bytes
import Foundation
import Testing

@Suite struct Base64Tests {
    private static func decode(_ text: String) -> [UInt8]? {
        let bytes = Array(text.utf8)
        return Base64.decode(bytes.span, 0..<bytes.count)
    }

    /// RFC 4648 §10, but for the empty text.
    @Test(arguments: [
        ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg==", "foob"), ("Zm9vYmE=", "fooba"),
        ("Zm9vYmFy", "foobar"),
    ])
    func vectorsOfTheRFCAreDecoded(text: String, plain: String) {
        #expect(Self.decode(text) == Array(plain.utf8))
    }

    @Test func everyLengthAndEveryByteComesBack() {
        for length in 1...256 {
            let plain = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 181 &+ length) }
            #expect(Self.decode(Data(plain).base64EncodedString()) == plain)
        }
    }

    @Test(arguments: UInt8.min...UInt8.max)
    func onlyTheAlphabetIsDecoded(byte: UInt8) {
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        for place in 0..<4 {
            var text = Array("AAAA".utf8)
            text[place] = byte
            // Padding may stand in the last place.
            let isTaken = alphabet.utf8.contains(byte) || place == 3 && byte == UInt8(ascii: "=")
            #expect((Base64.decode(text.span, 0..<4) != nil) == isTaken, "place \(place)")
        }
    }

    /// Nothing, no multiple of four, padding too much or within, bits behind the last byte.
    @Test(arguments: [
        "", "Z", "Zg", "Zg=", "Zm9vY", "Z===", "A===", "====", "AAAAA===", "Zg==Zg==", "Z=g=",
        "Zm=v", "Zh==", "Zm9=",
        "Zm9v=", "Zg= ", " Zg==", "Zg==\n",
    ])
    func otherFormsAreRefused(text: String) {
        #expect(Self.decode(text) == nil)
    }

    @Test func onlyTheRangeIsDecoded() {
        let bytes = Array("=Zm9v=".utf8)
        #expect(Base64.decode(bytes.span, 1..<5) == Array("foo".utf8))
    }
}
