// What comes of failing too often: 429 with a time to wait. It never refuses an attempt that is right.

import Tokens

/// Counts failed attempts. One per event loop; the throttle behind it is shared by all.
final class FailureLimiter {
    private let throttle: FailureThrottle
    private let clock: RequestClock

    init(_ throttle: FailureThrottle, _ clock: RequestClock) {
        self.throttle = throttle
        self.clock = clock
    }

    /// Credentials were wrong.
    ///
    /// - Parameter client: the id that was claimed; nil where there was none to be read.
    /// - Returns: how many seconds to wait; nil: the failure is within the allowance.
    func failed(client: String?, address: [UInt8]) -> Int64? {
        let now = clock.now()
        let waits = [
            client.flatMap { throttle.failed(.client, Array($0.utf8), now: now) },
            throttle.failed(from: address, now: now),
        ]
        return waits.compactMap { $0 }.max().map(FailureLimiter.seconds)
    }

    /// A code could not be exchanged.
    ///
    /// - Returns: as above.
    func refusedCode(of client: Client.Tag) -> Int64? {
        throttle.failed(.code, client.bytes, now: clock.now()).map(FailureLimiter.seconds)
    }

    /// A wait as `Retry-After` has it (RFC 9110 §10.2.3): whole seconds, rounded up, at least 1.
    static func seconds(_ wait: Milliseconds) -> Int64 { max(1, (wait + 999) / 1000) }
}

extension FailureThrottle {
    /// Counts what came from an address. An IPv6 client has a whole network to choose addresses from, a /64:
    /// it counts as one. Its owner may have 65,536 of those, a /48 (RFC 6177 §2): they have an allowance
    /// together, which only what is within that of its network draws from. So one network does not use up
    /// its neighbours'.
    ///
    /// - Parameter kind: `.address`, or another one for what has allowances of its own.
    /// - Returns: as `failed`.
    func failed(
        from address: [UInt8], as kind: Kind = .address, now: Milliseconds
    ) -> Milliseconds? {
        guard address.count == 16 else { return failed(kind, address, now: now) }
        return failed(kind, Array(address.prefix(8)), now: now)
            ?? failed(.site, Array(address.prefix(6)) + [UInt8(kind.rawValue)], now: now)
    }
}
