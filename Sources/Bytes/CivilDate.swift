// Which day of the calendar a day count is.

/// A day of the Gregorian calendar.
public struct CivilDate: Equatable, Sendable {
    public let year: Int
    /// From 1 on, as is `day`.
    public let month: Int
    public let day: Int

    /// - Parameter days: since 1970-01-01, not negative.
    @inlinable
    public init(daysSince1970 days: Int) {
        // Years begin in March here, so the leap day comes last.
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
    }
}
