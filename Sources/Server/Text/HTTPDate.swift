// The Date field's format (RFC 9110 §5.6.7).

import Bytes

enum HTTPDate {
    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// IMF-fixdate, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
    ///
    /// - Parameter seconds: since 1970-01-01T00:00:00Z, not negative.
    static func text(_ seconds: Int64) -> String {
        let day = Int(seconds / 86400)
        let second = Int(seconds % 86400)
        let date = CivilDate(daysSince1970: day)
        return "\(days[day % 7]), \(pad(date.day)) \(months[date.month - 1]) \(date.year) "
            + "\(pad(second / 3600)):\(pad(second / 60 % 60)):\(pad(second % 60)) GMT"
    }

    private static func pad(_ number: Int) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }
}
