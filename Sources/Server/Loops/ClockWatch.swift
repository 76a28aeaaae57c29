// Compares the time to the wall clock once a second, and tells people what they have to know.

import System
import Tokens
import UV

/// The watch over the wall clock. The thread of its loop.
final class ClockWatch {
    /// How often it looks, in milliseconds.
    private static let pauseMilliseconds: UInt64 = 1000

    private let timer: UV.Timer

    /// - Parameter report: gets a line for each change.
    init(
        _ loop: EventLoop, _ clock: Timekeeper, report: @escaping (String) -> Void
    ) throws(UVError) {
        timer = try Timer(loop)
        timer.start(
            afterMilliseconds: ClockWatch.pauseMilliseconds,
            repeatMilliseconds: ClockWatch.pauseMilliseconds
        ) {
            if let notice = clock.look() { report(notice.sentence) }
        }
    }

    func close() { timer.close() }
}

extension Timekeeper {
    /// What has to be said at the start; nil where the wall clock is not behind what the store has seen.
    public var startNotice: String? {
        let ahead = wallClockAhead
        guard ahead < -1000 else { return nil }
        return
            "the wall clock is \(WallClockNotice.distance(ahead)) the last time that the store has "
            + "seen; the server goes on from that time, and draws it to the wall clock by 0.6 s a minute"
            + (isSure
                ? "" : "; nothing that has expired is deleted before the two agree for 5 minutes")
    }
}

extension WallClockNotice {
    /// For the log: what has happened, what the server does, and what to do.
    var sentence: String {
        switch self {
        case .differs(let ahead):
            "the wall clock was set: it is \(WallClockNotice.distance(ahead)) the server's time, which "
                + "goes on as if nothing had happened; if that is wrong, set the clock right within "
                + "5 minutes"
        case .confirmed(let ahead):
            "the wall clock has stayed \(WallClockNotice.distance(ahead)) the server's time for 5 "
                + "minutes: the time is drawn to it, by 0.6 s a minute"
                + (ahead > 0 ? "; a restart takes it over at once" : "")
        case .agrees: "the wall clock agrees with the server's time again"
        }
    }

    /// Such as `50.0 s behind`, or `400.0 days ahead of`.
    static func distance(_ ahead: Milliseconds) -> String {
        let (length, side) = (abs(ahead), ahead < 0 ? "behind" : "ahead of")
        let units: [(Milliseconds, String)] = [
            (86_400_000, "days"), (3_600_000, "h"), (60_000, "min"),
        ]
        let (unit, name) = units.first { length >= $0.0 } ?? (1000, "s")
        let tenths = length * 10 / unit
        return "\(tenths / 10).\(tenths % 10) \(name) \(side)"
    }
}
