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
        output.append(count: length) { text in
            put(date.year, width: 4, in: &text, at: 0)
            text[4] = UInt8(ascii: "-")
            put(date.month, width: 2, in: &text, at: 5)
            text[7] = UInt8(ascii: "-")
            put(date.day, width: 2, in: &text, at: 8)
            text[10] = UInt8(ascii: "T")
            put(second / 3600, width: 2, in: &text, at: 11)
            text[13] = UInt8(ascii: ":")
            put(second / 60 % 60, width: 2, in: &text, at: 14)
            text[16] = UInt8(ascii: ":")
            put(second % 60, width: 2, in: &text, at: 17)
            text[19] = UInt8(ascii: ".")
            put(Int(instant % 1000), width: 3, in: &text, at: 20)
            text[23] = UInt8(ascii: "Z")
        }
    }

    @inline(__always)
    private static func put(
        _ number: Int, width: Int, in text: inout MutableSpan<UInt8>, at start: Int
    ) {
        var rest = UInt32(truncatingIfNeeded: number)
        for place in stride(from: start + width - 1, through: start, by: -1) {
            text[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }
}
