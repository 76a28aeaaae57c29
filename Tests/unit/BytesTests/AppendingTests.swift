// Borrowed bytes, texts and numbers behind an array; and a text out of borrowed bytes.

import Bytes
import Testing

@Suite struct AppendingTests {
    @Test func everyPartIsAppendedBehindWhatIsThere() {
        let bytes = (0..<40).map { UInt8($0) }
        for start in 0...bytes.count {
            for end in start...bytes.count {
                var output: [UInt8] = [99]
                output.append(bytes.span, start..<end)
                #expect(output == [99] + bytes[start..<end])
            }
        }
    }

    @Test(arguments: ["", "a", "fifteen or fewer", "more than fits into a small string", "Zoë €"])
    func textIsAppendedInUTF8(text: String) {
        var output: [UInt8] = [99]
        output.append(text: text)
        #expect(output == [99] + text.utf8)
    }

    @Test(arguments: [0, 1, 9, 10, 99, 100, 1_795_968_516, -1, -10, .max, .min] as [Int64])
    func numberIsAppendedInDigits(number: Int64) {
        var output: [UInt8] = [99]
        output.append(decimal: number)
        #expect(output == [99] + String(number).utf8)
    }

    @Test func onlyUTF8IsAText() {
        let text = "Zoë €"
        #expect(String(validating: Array(text.utf8).span) == text)
        #expect(String(validating: [UInt8]().span) == "")
        #expect(String(validating: ([0x41, 0xFF] as [UInt8]).span) == nil)
    }
}
