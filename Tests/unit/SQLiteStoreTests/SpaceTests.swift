// What has expired leaves nothing behind: neither its content nor its space.

import Foundation
import StoreContract
import Testing
import Tokens

@testable import SQLiteStore

@Suite struct SpaceTests {
    private static let start: Milliseconds = 1_000_000
    /// After everything that is issued here has expired, and replays need not be known any more.
    private static let late = start + 10_000_000

    private func code(_ number: Int, _ account: String, _ rig: Rig) -> AuthorizationCode {
        AuthorizationCode(
            id: rig.code(UInt64(number), at: SpaceTests.start + Milliseconds(number / 7)).id,
            institution: .init(1), provider: .init(1), redirectURI: .init(1), scope: .accounts,
            consent: Consent(id: "secret-consent-\(number)", accountID: account),
            state: "secret-state-\(number)",
            expiresAt: SpaceTests.start + 1000 + StoreContract.lifetime)
    }

    private func insert(_ codes: [AuthorizationCode], _ rig: Rig) {
        for start in stride(from: 0, to: codes.count, by: 1000) {
            var answered = 0
            let some = codes[start..<min(start + 1000, codes.count)]
            for code in some { rig.store?.insert(code) { _ in answered += 1 } }
            for _ in 0..<100_000 where answered < some.count { rig.wait() }
        }
    }

    private func redeem(_ codes: some Collection<AuthorizationCode>, _ rig: Rig) {
        var answered = 0
        for code in codes {
            let attempt = Redemption(
                code: code.id, institution: code.institution, provider: code.provider,
                redirectURI: code.redirectURI, now: SpaceTests.start,
                token: Identifier(
                    issuedAt: code.id.issuedAt, randomHigh: 9, randomLow: code.id.low),
                tokenExpiresAt: SpaceTests.start + 5000, authorisation: .full)
            rig.store?.redeem(attempt) { _ in answered += 1 }
        }
        for _ in 0..<100_000 where answered < codes.count { rig.wait() }
    }

    private func expire(_ now: Milliseconds, _ rig: Rig) throws -> Milliseconds? {
        try rig.answer { $0.removeExpired(now: now, completion: $1) }.get()
    }

    private func bytes(_ rig: Rig, _ suffix: String = "") throws -> Data {
        try Data(contentsOf: URL(filePath: rig.path + suffix))
    }

    private func pages(_ rig: Rig) throws -> Int64 {
        try Database(path: rig.path, .readOnly).integer("PRAGMA page_count")
    }

    @Test func whatHasExpiredCanBeReadNowhere() throws {
        let rig = try Rig()
        let codes = (0..<3000).map { code($0, "secret-account-\($0)", rig) }
        insert(codes, rig)
        redeem(codes.prefix(2000), rig)
        let secret = Data("secret-".utf8)
        #expect(try bytes(rig, "-wal").range(of: secret) != nil)
        var now = SpaceTests.late
        while let next = try expire(now, rig), next <= now {}
        now += LogErasure.pauseMilliseconds
        _ = try expire(now, rig)
        for _ in 0..<10_000 where try !bytes(rig, "-wal").isEmpty { rig.wait() }
        #expect(try bytes(rig, "-wal").isEmpty)
        let place = try bytes(rig).range(of: secret)
        #expect(place == nil, "at \(place?.lowerBound ?? 0)")
    }

    @Test func logStaysForTenMinutesAtTheMost() throws {
        let rig = try Rig()
        insert([code(1, "a", rig)], rig)
        let first = SpaceTests.start
        for now in [first, first + LogErasure.pauseMilliseconds - 1] {
            _ = try expire(now, rig)
            #expect(try !bytes(rig, "-wal").isEmpty)
        }
        _ = try expire(first + LogErasure.pauseMilliseconds, rig)
        for _ in 0..<10_000 where try !bytes(rig, "-wal").isEmpty { rig.wait() }
        #expect(try bytes(rig, "-wal").isEmpty)
    }

    /// While the time is in doubt the store is asked for what has expired at 0.
    @Test func logIsErasedByEitherClock() {
        let pause = LogErasure.pauseMilliseconds
        var erasure = LogErasure()
        func isDue(_ time: Milliseconds, _ monotonic: Milliseconds) -> Bool {
            erasure.isDue(time, monotonic: monotonic)
        }
        #expect((0..<600).allSatisfy { !isDue(0, 5000 + $0 * 1000) })
        #expect(isDue(0, 5000 + pause))
        #expect(isDue(0, 6000 + pause), "until it is done")
        erasure.done(0, monotonic: 6000 + pause)
        #expect(!isDue(0, 7000 + pause))
        #expect(isDue(SpaceTests.start, 8000 + pause), "the time is known again")
    }

    /// Somebody copies the store meanwhile: that is no fault, and the next second comes.
    @Test func logThatIsReadIsErasedLater() throws {
        let rig = try Rig()
        insert([code(1, "a", rig)], rig)
        _ = try expire(SpaceTests.start, rig)
        let reader = try Database(path: rig.path, .readOnly)
        try reader.execute("BEGIN; SELECT count(*) FROM codes")
        let due = SpaceTests.start + LogErasure.pauseMilliseconds
        for second in 0..<Milliseconds(3) { _ = try expire(due + second * 1000, rig) }
        #expect(try !bytes(rig, "-wal").isEmpty)
        #expect(rig.lines.texts.isEmpty)
        try reader.execute("COMMIT")
        _ = try expire(due + 4000, rig)
        for _ in 0..<10_000 where try !bytes(rig, "-wal").isEmpty { rig.wait() }
        #expect(try bytes(rig, "-wal").isEmpty)
    }

    @Test func spaceIsGivenBackInSmallSteps() throws {
        let rig = try Rig()
        let account = String(repeating: "x", count: 3500)
        insert((0..<3000).map { code($0, account, rig) }, rig)
        // Not at the end of the file, so that pages have to be moved.
        let live = AuthorizationCode(
            id: rig.code(9_999_999, at: SpaceTests.late).id, institution: .init(1),
            provider: .init(1), redirectURI: .init(1), scope: .accounts,
            consent: Consent(id: "live", accountID: account), state: "s",
            expiresAt: SpaceTests.late + StoreContract.lifetime)
        insert([live], rig)
        let most = try pages(rig)
        #expect(most > 3000)
        var counts = [most]
        for _ in 0..<60 {
            _ = try expire(SpaceTests.late, rig)
            counts.append(try pages(rig))
        }
        let steps = zip(counts, counts.dropFirst()).map { $0 - $1 }
        // A page that says where others belong goes with those it told of.
        #expect(steps.allSatisfy { $0 >= 0 && $0 <= FreeSpace.pagesMax + 1 }, "\(steps)")
        #expect(try pages(rig) <= FreeSpace.keptPages + 20)
        _ = try expire(SpaceTests.late + LogErasure.pauseMilliseconds, rig)
        let bytesMax = Int(FreeSpace.keptPages + 20) * 4096
        for _ in 0..<10_000 where try bytes(rig).count > bytesMax { rig.wait() }
        #expect(try bytes(rig).count <= bytesMax)
        #expect(try StoreCheck.damage(of: rig.path).isEmpty)
        let attempt = Redemption(
            code: live.id, institution: live.institution, provider: live.provider,
            redirectURI: live.redirectURI, now: SpaceTests.late, token: live.id,
            tokenExpiresAt: nil, authorisation: .full)
        #expect(
            try rig.answer { $0.redeem(attempt, completion: $1) }
                == .success(.redeemed(state: "s")))
    }

    /// As 0.7.0 has made it: nothing is given back until it is written anew.
    @Test func oldFileIsCompactAfterTheCommand() throws {
        let rig = try Rig()
        rig.close()
        try Database(path: rig.path, .existing).execute("PRAGMA auto_vacuum = NONE; VACUUM")
        try rig.open()
        insert((0..<3000).map { code($0, String(repeating: "y", count: 3500), rig) }, rig)
        for _ in 0..<60 { _ = try expire(SpaceTests.late, rig) }
        #expect(try pages(rig) > 3000)
        #expect(throws: StoreFailure.self, "a server uses it") {
            try Compaction.run(store: rig.path)
        }
        rig.close()
        let (before, after) = try Compaction.run(store: rig.path)
        #expect(before > 3000 * 4096)
        #expect(after < 100_000)
        #expect(try bytes(rig).count == after)
        #expect(try Database(path: rig.path, .readOnly).integer("PRAGMA auto_vacuum") == 2)
        #expect(throws: StoreFailure.self) { try Compaction.run(store: "\(rig.path).none") }
        try rig.open()
        insert([code(1, "a", rig)], rig)
        #expect(rig.lines.texts.isEmpty)
    }
}
