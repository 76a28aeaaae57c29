// Looking for texts in texts, beside what the standard library finds.

import Bytes
import Testing

@Suite struct TextSearchTests {
    @Test(
        arguments: [
            ("", "a", false), ("a", "a", true), ("a", "ab", false), ("ab", "b", true),
            ("aab", "ab", true), ("aaa", "ab", false), ("tcp://host", "://", true),
            ("tcp:/host", "://", false),
        ])
    func textIsFoundWhereItStands(text: String, part: String, isIn: Bool) {
        #expect(text.includes(part) == isIn)
        #expect(text.contains(part) == isIn)
    }

    @Test(arguments: ["", "_", "a_b", "__a__", "a b", "é_ü"])
    func everyOneIsReplaced(text: String) {
        #expect(text.replacing(every: "_", by: "--") == text.replacing("_", with: "--"))
    }
}
