// Base64 for URLs: what comes back, and what is refused.

import Testing

@testable import Bytes

@Suite struct Base64URLTests {
    /// RFC 4648 §10 without padding; and the two characters that are its own.
    @Test(arguments: [
        ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"),
        ("fooba", "Zm9vYmE"), ("foobar", "Zm9vYmFy"), ("\u{FB}\u{FF}", "w7vDvw"),
    ])
    func bytesBecomeTextAndBack(text: String, encoded: String) {
        #expect(Base64URL.text(Array(text.utf8)) == encoded)
        #expect(Base64URL.decode(Array(encoded.utf8).span) == Array(text.utf8))
    }

    @Test func everyByteComesBack() {
        for count in 0..<260 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 167) }
            let text = Base64URL.text(bytes)
            #expect(!text.contains { "+/=".contains($0) })
            #expect(Base64URL.decode(Array(text.utf8).span) == bytes)
        }
        #expect(Base64URL.text([0xFB, 0xEF, 0xFF]) == "--__")
    }

    @Test(arguments: ["Z", "Zg==", "Zh", "Zm9", "Zm9+", "Zm9/", "Zm9v Zg", "Zm9vé"])
    func otherFormsAreRefused(text: String) {
        #expect(Base64URL.decode(Array(text.utf8).span) == nil)
    }
}
