// How a time is written in a setting: whole seconds, or a number with its unit behind it.

import ArgumentParser

enum DurationText {
    /// What one of a unit has, in milliseconds.
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("", 1000), ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    /// For --help and the sample.
    static let explanation =
        "A time is a number of seconds, or a number with its unit right behind it: 60s, 1m, 2h, 30d, "
        + "5000ms. It must come to whole seconds."

    /// - Throws: where it is no time, has a fraction, or is out of the range. The error says what to
    ///   write.
    static func seconds(
        _ text: String, in range: ClosedRange<Int64>
    ) throws(ValidationError) -> Int64 {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count)
        guard !digits.isEmpty, let known = units.first(where: { $0.name == unit }) else {
            throw refusal(text, fault(digits: digits, unit: unit), range)
        }
        guard let number = Int64(digits) else { throw refusal(text, "is out of range", range) }
        let (milliseconds, isTooLong) = number.multipliedReportingOverflow(by: known.milliseconds)
        guard !isTooLong else { throw refusal(text, "is out of range", range) }
        guard milliseconds % 1000 == 0 else {
            throw refusal(text, "does not come to whole seconds", range)
        }
        guard range.contains(milliseconds / 1000) else {
            throw refusal(text, "is out of range", range)
        }
        return milliseconds / 1000
    }

    private static func fault(digits: Substring, unit: Substring) -> String {
        if !digits.isEmpty, unit.hasPrefix(".") || unit.hasPrefix(",") { return "has a fraction" }
        if !digits.isEmpty, unit.allSatisfy(\.isLetter) {
            return "has an unknown unit (known are ms, s, m, h and d)"
        }
        return "is no time"
    }

    private static func refusal(
        _ text: String, _ fault: String, _ range: ClosedRange<Int64>
    ) -> ValidationError {
        ValidationError(
            "'\(text)' \(fault); write whole seconds, \(range.lowerBound) to \(range.upperBound), "
                + "or the same with a unit, such as 60s, 1m or 2h")
    }
}
