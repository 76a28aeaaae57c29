// What becomes of a difference between the time and the wall clock: the time is drawn to it, or waits
// until it is confirmed. Reads no clock.

/// What people are told of the wall clock. In milliseconds, negative where it is behind the time.
public enum WallClockNotice: Equatable, Sendable {
    /// It is ahead of the time by so much.
    case differs(by: Int64)
    /// It has stayed there: from now on the time is drawn to it.
    case confirmed(by: Int64)
    /// It agrees with the time again.
    case agrees
}

/// Decides, once a second. A value; all in microseconds.
struct WallClockRules {
    /// A change of the wall clock by more is a step, which nobody follows before it is confirmed. A time
    /// service makes smaller ones every day, and a leap second is one.
    static let stepMax: Int64 = 1_000_000
    /// A step is confirmed once the wall clock has kept to it for so long.
    static let confirmation: Int64 = 300 * 1_000_000
    /// A start is in doubt where the wall clock is further from the last time that the store has seen.
    static let doubt: Int64 = 3600 * 1_000_000

    /// By how much the wall clock is ahead of the clock since boot, as far as that is believed.
    private var believed: Int64
    /// Something else that it says, and since when.
    private var claimed: (ahead: Int64, since: Int64)?
    private var isDifferenceTold = false
    /// Since when the wall clock has agreed with the time.
    private var agreesSince: Int64?
    /// What has expired may be deleted: the time is not in doubt, or not any more.
    private(set) var isSure = true

    /// The wall clock is believed as it stands.
    init(boot: Int64, wall: Int64) { believed = wall - boot }

    /// The time begins with what the store has seen, or so far behind the wall clock.
    ///
    /// - Parameter ahead: of the wall clock before the last time that the store has seen.
    mutating func began(ahead: Int64) {
        isSure = abs(ahead) <= WallClockRules.doubt
        isDifferenceTold = ahead < -WallClockRules.stepMax
    }

    /// - Parameter time: at `boot`.
    /// - Returns: by how much the time is to be drawn from now on.
    mutating func look(
        boot: Int64, wall: Int64, time: Int64
    ) -> (correction: Int64, notice: WallClockNotice?) {
        let difference = wall - time
        let agrees = abs(difference) <= WallClockRules.stepMax
        noteAgreement(agrees, boot)
        let verdict = judge(wall - boot, boot, agrees)
        // While something else is claimed, nobody knows where to.
        let correction = claimed == nil ? believed + boot - time : 0
        return (correction, notice(verdict, agrees, difference / 1000))
    }

    private enum Verdict { case known, isNew, waits, isConfirmed }

    private mutating func judge(_ ahead: Int64, _ boot: Int64, _ agrees: Bool) -> Verdict {
        if agrees || abs(ahead - believed) <= WallClockRules.stepMax {
            (believed, claimed) = (ahead, nil)
            return .known
        }
        guard let claim = claimed, abs(ahead - claim.ahead) <= WallClockRules.stepMax else {
            claimed = (ahead, boot)
            return .isNew
        }
        claimed = (ahead, claim.since)
        guard boot - claim.since >= WallClockRules.confirmation else { return .waits }
        (believed, claimed) = (ahead, nil)
        return .isConfirmed
    }

    private mutating func notice(
        _ verdict: Verdict, _ agrees: Bool, _ difference: Int64
    ) -> WallClockNotice? {
        let wasTold = isDifferenceTold
        isDifferenceTold = !agrees
        switch verdict {
        case _ where agrees: return wasTold ? .agrees : nil
        case .isNew: return .differs(by: difference)
        case .isConfirmed: return .confirmed(by: difference)
        case .known, .waits: return wasTold ? nil : .differs(by: difference)
        }
    }

    private mutating func noteAgreement(_ agrees: Bool, _ boot: Int64) {
        guard agrees else { return agreesSince = nil }
        let since = agreesSince ?? boot
        agreesSince = since
        if boot - since >= WallClockRules.confirmation { isSure = true }
    }
}
