// The server's own clock on its loop: what is deleted, and what people are told.

import Synchronization
import System
import Testing
import Tokens
import UV

@testable import Server

private let start: Milliseconds = 1_800_000_000_000
private let day: Milliseconds = 86_400_000

/// A machine whose clocks are set by hand.
private final class Hands: Sendable {
    let boot = Atomic(Int64(0))
    let wall = Atomic((start + 400 * day) * 1000)
}

@Suite struct ClockWatchTests {
    private let hands = Hands()
    private let clock: Timekeeper
    private let store = MemoryStore(codeLifetime: 60_000, tokenLifetime: nil)

    init() {
        let hands = hands
        clock = Timekeeper(
            boot: { hands.boot.load(ordering: .relaxed) },
            wall: { hands.wall.load(ordering: .relaxed) })
    }

    private func pass(seconds: Int) {
        for _ in 0..<seconds {
            hands.boot.add(1_000_000, ordering: .relaxed)
            hands.wall.add(1_000_000, ordering: .relaxed)
            _ = clock.look()
        }
    }

    /// A deletion cannot be undone: while the clock may be wrong, the store keeps what it has.
    @Test func nothingIsDeletedWhileTheStartIsInDoubt() throws {
        clock.begin(notBefore: start)
        store.insert(
            AuthorizationCode(
                id: Identifier(issuedAt: start, randomHigh: 1, randomLow: 1),
                institution: Institution.ID(1), provider: Provider.ID(1),
                redirectURI: Provider.RedirectURI.ID(1), scope: .accounts,
                consent: Consent(id: "c", accountID: "a"), state: nil, expiresAt: start + 60_000)
        ) { _ in }
        let loop = try EventLoop()
        defer { loop.abandon() }
        let census = CodeCensus(lifetime: 60_000, now: clock.now())
        let expiry = try Expiry(loop, store, clock, census, LoopReport { _ in })
        expiry.expire()
        pass(seconds: 299)
        expiry.expire()
        #expect(store.counts.youngCodes == 1)
        pass(seconds: 2)
        expiry.expire()
        #expect(store.counts.youngCodes == 0)
        expiry.close()
    }

    @Test(
        arguments: [
            (-50_000, "50.0 s behind"), (600_000, "10.0 min ahead of"),
            (-5_400_000, "1.5 h behind"),
            (400 * day, "400.0 days ahead of"), (1001, "1.0 s ahead of"),
        ] as [(Milliseconds, String)])
    func distanceIsReadable(ahead: Milliseconds, text: String) {
        #expect(WallClockNotice.distance(ahead) == text)
        #expect(WallClockNotice.differs(by: ahead).sentence.contains("it is \(text) the"))
    }

    /// A restart takes over a clock that is ahead; it would not take back one that is behind.
    @Test func restartIsAdvisedOnlyWhereItHelps() {
        #expect(WallClockNotice.confirmed(by: 5000).sentence.contains("restart"))
        #expect(!WallClockNotice.confirmed(by: -5000).sentence.contains("restart"))
    }

    @Test func startTellsOnlyOfAClockThatIsBehind() {
        clock.begin(notBefore: start + 400 * day - 1000)
        #expect(clock.startNotice == nil)
        clock.begin(notBefore: start + 400 * day + 60_000)
        #expect(
            clock.startNotice?.hasPrefix(
                "the wall clock is 1.0 min behind the last time that the store has seen; ") == true)
        #expect(clock.startNotice?.contains("deleted") == false)
        clock.begin(notBefore: start + 402 * day)
        #expect(clock.startNotice?.contains("nothing that has expired is deleted") == true)
    }
}
