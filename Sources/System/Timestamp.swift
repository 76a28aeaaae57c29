// Times as people and programs read them.

import Bytes

public enum Timestamp {
    /// RFC 3339 in UTC, such as `2026-11-26T18:53:02.123Z`.
    public static func text(_ milliseconds: Int64) -> String {
        var bytes: [UInt8] = []
        append(milliseconds, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What `append` appends.
    public static let length = 24

    /// Appends a time as RFC 3339 has it, in UTC: `2026-11-26T18:53:02.123Z`, always 24 bytes.
    ///
    /// - Parameter milliseconds: since 1970-01-01T00:00:00Z; what lies outside of the years 1970
    ///   to 9999 becomes the nearest of those.
    public static func append(_ milliseconds: Int64, to output: inout [UInt8]) {
        let instant = min(max(milliseconds, 0), 253_402_300_799_999)
        let second = Int(instant / 1000 % 86_400)
        let date = CivilDate(daysSince1970: Int(instant / 86_400_000))
        appendNumber(date.year, width: 4, to: &output)
        output.append(UInt8(ascii: "-"))
        appendNumber(date.month, width: 2, to: &output)
        output.append(UInt8(ascii: "-"))
        appendNumber(date.day, width: 2, to: &output)
        output.append(UInt8(ascii: "T"))
        appendNumber(second / 3600, width: 2, to: &output)
        output.append(UInt8(ascii: ":"))
        appendNumber(second / 60 % 60, width: 2, to: &output)
        output.append(UInt8(ascii: ":"))
        appendNumber(second % 60, width: 2, to: &output)
        output.append(UInt8(ascii: "."))
        appendNumber(Int(instant % 1000), width: 3, to: &output)
        output.append(UInt8(ascii: "Z"))
    }

    private static func appendNumber(_ number: Int, width: Int, to output: inout [UInt8]) {
        var divisor = 1
        for _ in 1..<width { divisor *= 10 }
        while divisor > 0 {
            output.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
            divisor /= 10
        }
    }
}
