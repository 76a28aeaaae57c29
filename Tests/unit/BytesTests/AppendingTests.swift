// A part of borrowed bytes behind an array.

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
}
