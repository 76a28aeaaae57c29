// Addresses from the text that people and proxies write.

import Bytes
import Testing

@Suite struct AddressTextTests {
    private static func bytes(_ text: String) -> [UInt8]? {
        AddressText.bytes(Array(text.utf8).span)
    }

    private static func groups(_ groups: Int...) -> [UInt8] {
        groups.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
    }

    @Test(arguments: [
        ("0.0.0.0", [0, 0, 0, 0]), ("192.0.2.1", [192, 0, 2, 1]),
        ("255.255.255.255", [255, 255, 255, 255]),
        ("::ffff:192.0.2.1", [192, 0, 2, 1]), ("::FFFF:c000:201", [192, 0, 2, 1]),
        ("::", groups(0, 0, 0, 0, 0, 0, 0, 0)), ("::1", groups(0, 0, 0, 0, 0, 0, 0, 1)),
        ("1::", groups(1, 0, 0, 0, 0, 0, 0, 0)),
        ("2001:db8::8a2e:370:7334", groups(0x2001, 0xDB8, 0, 0, 0, 0x8A2E, 0x370, 0x7334)),
        ("1:2:3:4:5:6:7:8", groups(1, 2, 3, 4, 5, 6, 7, 8)),
        ("1:2:3:4:5:6:7::", groups(1, 2, 3, 4, 5, 6, 7, 0)),
        ("::2:3:4:5:6:7:8", groups(0, 2, 3, 4, 5, 6, 7, 8)),
        ("64:ff9b::192.0.2.33", groups(0x64, 0xFF9B, 0, 0, 0, 0, 0xC000, 0x221)),
        ("1:2:3:4:5:6:1.2.3.4", groups(1, 2, 3, 4, 5, 6, 0x102, 0x304)),
    ])
    func addressIsRead(text: String, address: [UInt8]) {
        #expect(Self.bytes(text) == address)
    }

    @Test(arguments: [
        "", " ", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.04", "01.2.3.4", "1.2.3.", ".1.2.3",
        "1..2.3", "1.2.3.4 ", "1.2.3.a", "1.2.3.4/8", "1.2.3.-4", "999999999999.1.1.1", ":", ":::",
        "1:", ":1", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::",
        "::1:2:3:4:5:6:7:8", "12345::", "g::", "::1%eth0", "[::1]", "::1.2.3", "1.2.3.4::",
        "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4", "::ffff:1.2.3.256", "é::", "1: :2",
    ])
    func anythingElseIsRefused(text: String) {
        #expect(Self.bytes(text) == nil)
    }

    /// The forms of RFC 5952 §4 and §5.
    @Test(arguments: [
        (groups(0, 0, 0, 0, 0, 0, 0, 0), "::"), (groups(0, 0, 0, 0, 0, 0, 0, 1), "::1"),
        (groups(1, 0, 0, 0, 0, 0, 0, 0), "1::"),
        (groups(0x2001, 0xDB8, 0, 0, 0, 0, 2, 1), "2001:db8::2:1"),
        (groups(0x2001, 0xDB8, 0, 1, 1, 1, 1, 1), "2001:db8:0:1:1:1:1:1"),
        (groups(0x2001, 0, 0, 1, 0, 0, 0, 1), "2001:0:0:1::1"),
        (groups(0x2001, 0xDB8, 0, 0, 1, 0, 0, 1), "2001:db8::1:0:0:1"),
        (groups(0, 0, 1, 0, 0, 0, 1, 0), "0:0:1::1:0"),
        (groups(0, 1, 2, 3, 4, 5, 6, 7), "0:1:2:3:4:5:6:7"),
        (groups(1, 2, 3, 4, 5, 6, 7, 0), "1:2:3:4:5:6:7:0"),
        (groups(1, 2, 3, 4, 5, 6, 0, 0), "1:2:3:4:5:6::"),
        (groups(0x2001, 0xDB8, 0, 0, 0, 0, 0xABCD, 0x0EF0), "2001:db8::abcd:ef0"),
        (groups(0, 0, 0, 0, 0, 0xFFFF, 0xC000, 0x0201), "::ffff:192.0.2.1"),
        ([192, 0, 2, 1], "192.0.2.1"),
    ])
    func addressIsWrittenInOneForm(address: [UInt8], text: String) {
        #expect(AddressText.text(address) == text)
        #expect(Self.bytes(text) == AddressText.unmapped(address))
    }

    @Test(arguments: [[], [1], [UInt8](repeating: 0, count: 15), [UInt8](repeating: 0, count: 17)])
    func whatIsNoAddressHasNoText(bytes: [UInt8]) {
        #expect(AddressText.text(bytes) == nil)
    }

    /// What the one writes the other reads.
    @Test func writtenAddressesAreReadAgain() {
        var generator = SystemRandomNumberGenerator()
        for number in 0..<2000 {
            let address = (0..<(number % 2 == 0 ? 4 : 16)).map { _ in
                [0, 255, UInt8.random(in: 0...255, using: &generator)][number / 2 % 3]
            }
            #expect(AddressText.text(address).flatMap(Self.bytes) == AddressText.unmapped(address))
        }
    }

    @Test(arguments: [
        [0, 0, 0, 0], [127, 0, 0, 1], [192, 0, 2, 255], groups(0x2001, 0xDB8, 0, 0, 0, 0, 0, 1), [],
        [1, 2, 3], [9, 10, 99, 100], groups(1, 2, 3, 4, 5, 6, 7, 0xFFFF),
    ])
    func whatIsPutIsTheText(address: [UInt8]) {
        var output = [UInt8](repeating: 99, count: 1 + AddressText.lengthMax)
        var text = output.mutableSpan
        var place = 1
        AddressText.put(address, in: &text, at: &place)
        let expected = [99] + Array((AddressText.text(address) ?? "").utf8)
        #expect(output.prefix(place) == expected[...])
        #expect(output[place...].allSatisfy { $0 == 99 })
    }

    @Test func longestAddressHasTheGreatestLength() {
        let text = AddressText.text([UInt8](repeating: 0xFF, count: 16))
        #expect(text?.utf8.count == AddressText.lengthMax)
    }
}
