// Days in UTC, as options name them and reports print them.

import Bytes
import Tokens

public enum CalendarDay {
    public static let milliseconds: Milliseconds = 86_400_000

    /// Since 1970.
    public static func day(of moment: Milliseconds) -> Int { Int(moment / milliseconds) }

    public static func start(of day: Int) -> Milliseconds { Milliseconds(day) * milliseconds }

    /// Such as `2026-11-29`.
    public static func text(_ day: Int) -> String {
        let date = CivilDate(daysSince1970: day)
        return "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))"
    }

    static func padded(_ number: Int, _ width: Int) -> String {
        let digits = "\(number)"
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    /// - Returns: nil where the text is no day from 1970 to 9999 in this form.
    public static func parse(_ text: String) -> Int? {
        let bytes = Array(text.utf8)
        guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            let year = number(bytes[0..<4]), let month = number(bytes[5..<7]),
            let day = number(bytes[8..<10]), year >= 1970, (1...12).contains(month)
        else { return nil }
        // Howard Hinnant's `days_from_civil`: years begin in March.
        let marchYear = month <= 2 ? year - 1 : year
        let era = marchYear / 400
        let yearOfEra = marchYear - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = era * 146_097 + dayOfEra - 719_468
        guard days >= 0, CalendarDay.text(days) == text else { return nil }
        return days
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        var value = 0
        for digit in digits {
            guard (0x30...0x39).contains(digit) else { return nil }
            value = value * 10 + Int(digit - 0x30)
        }
        return value
    }
}
