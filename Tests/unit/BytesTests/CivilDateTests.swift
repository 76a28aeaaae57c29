// Day counts as dates, beside a calendar that is counted day by day.

import Bytes
import Testing

@Suite struct CivilDateTests {
    /// Every fourth year, but of the full centuries only every fourth.
    private static func length(_ month: Int, _ year: Int) -> Int {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
    }

    @Test func everyDayFollowsTheOneBefore() {
        var (year, month, day) = (1970, 1, 1)
        var wrong = 0
        var days = 0
        while year < 2500 {
            let date = CivilDate(daysSince1970: days)
            if date.year != year || date.month != month || date.day != day { wrong += 1 }
            days += 1
            day += 1
            if day > Self.length(month, year) { (day, month) = (1, month + 1) }
            if month > 12 { (month, year) = (1, year + 1) }
        }
        #expect(wrong == 0)
        #expect(days == 193_579)
    }

    @Test(arguments: [
        (0, 1970, 1, 1), (789, 1972, 2, 29), (11_016, 2000, 2, 29), (11_017, 2000, 3, 1),
        (19_782, 2024, 2, 29), (47_540, 2100, 2, 28), (47_541, 2100, 3, 1), (157_113, 2400, 2, 29),
        (2_932_896, 9999, 12, 31),
    ])
    func leapDaysAndTheLastDay(days: Int, year: Int, month: Int, day: Int) {
        let date = CivilDate(daysSince1970: days)
        #expect((date.year, date.month, date.day) == (year, month, day))
    }
}
