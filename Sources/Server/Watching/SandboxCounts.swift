// What has become of the sandbox's codes, for its page: `GET /sandbox/counts`. The admin listener's metrics
// are not for browsers.

import Synchronization
import System
import Tokens

/// Adds up what all loops have counted. Any thread.
final class SandboxCounts: Sendable {
    private let census: CodeCensus
    private let clock: Timekeeper
    private let loops = Mutex<[LoopMetrics]>([])

    init(_ census: CodeCensus, _ clock: Timekeeper) { (self.census, self.clock) = (census, clock) }

    func add(_ loop: LoopMetrics) { loops.withLock { $0.append(loop) } }

    /// - Parameter codeLifetime: so that the page can count down.
    /// - Returns: JSON. `code_lifetime` is in seconds; `live` and `expired` may be some seconds late.
    func json(codeLifetime: Milliseconds) -> [UInt8] {
        let loops = loops.withLock { $0 }
        let codes = census.reading(now: clock.now())
        let issued = LoopMetrics.sum(loops) { $0.codesIssued.value }
        let redeemed = LoopMetrics.sum(loops) { $0.tokensIssued.value }
        let replayed = LoopMetrics.sum(loops) { $0.count(of: .used) }
        return Array(
            """
            {"codes":{"issued":\(issued),"live":\(codes.live),"redeemed":\(redeemed),\
            "expired":\(codes.expired),"replayed":\(replayed)},"code_lifetime":\(codeLifetime / 1000)}
            """.utf8)
    }
}
