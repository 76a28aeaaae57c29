// `traceparent` of W3C Trace Context: which trace a request belongs to.

import Bytes

/// Where a request comes from, as its caller's tracing has it.
struct TraceContext: Equatable {
    /// 32 hexadecimal digits.
    let traceID: String
    /// 16 hexadecimal digits: the caller's span.
    let parentID: String

    /// nil for what is none (W3C Trace Context §3.2): then the request belongs to no trace. A later
    /// version than 00 may have more behind, which is not looked at.
    init?(_ bytes: Span<UInt8>, _ value: Range<Int>) {
        guard value.count >= TraceContext.length else { return nil }
        func byte(_ offset: Int) -> UInt8 { bytes[value.lowerBound + offset] }
        func digits(_ range: Range<Int>) -> String? {
            var text: [UInt8] = []
            var isZero = true
            for offset in range {
                let digit = byte(offset)
                guard Hexadecimal.lowercaseValue(digit) != nil else { return nil }
                isZero = isZero && digit == UInt8(ascii: "0")
                text.append(digit)
            }
            return isZero && range.count > 2 ? nil : String(decoding: text, as: UTF8.self)
        }
        let dash = UInt8(ascii: "-")
        guard let version = digits(0..<2), version != "ff", byte(2) == dash,
            let traceID = digits(3..<35), byte(35) == dash, let parentID = digits(36..<52),
            byte(52) == dash, digits(53..<55) != nil
        else { return nil }
        if value.count > TraceContext.length {
            guard version != "00", byte(TraceContext.length) == dash else { return nil }
        }
        self.traceID = traceID
        self.parentID = parentID
    }

    private static let length = 55
}
