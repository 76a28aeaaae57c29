// What fails on the disk: what is answered, what the log is told, and what is there after a crash.

import FailingDisk
import Foundation
import StoreContract
import Testing
import Tokens

@testable import SQLiteStore

@Suite struct DiskFaultTests {
    /// The files as a crash would leave them, opened elsewhere.
    private func afterCrash(_ rig: Rig) throws -> (folder: TemporaryFolder, database: Database) {
        let folder = try TemporaryFolder()
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(
                atPath: rig.path + suffix, toPath: "\(folder.path)/store.db\(suffix)")
        }
        return (folder, try Database(path: "\(folder.path)/store.db", .readWrite))
    }

    private func spentCodes(_ database: Database) throws -> Int64 {
        try database.integer("SELECT count(*) FROM codes WHERE token_digest IS NOT NULL")
    }

    /// The reason for `outcomeUnknown`: this process does not see the transaction, and the next may.
    @Test func syncThatFailsUnderACommitLeavesTheOutcomeUnknown() throws {
        let rig = try Rig()
        let code = rig.code(1)
        try rig.insert(code).get()
        rig.fail(FAILING_DISK_SYNC, file: "-wal")
        #expect(try rig.redeem(code) == .failure(.outcomeUnknown))
        #expect(rig.store?.isAvailable == false)
        #expect(rig.lines.texts.count == 1)
        let crashed = try afterCrash(rig)
        #expect(try spentCodes(crashed.database) == 1, "the crash has made it spent")
        #expect(try spentCodes(try Database(path: rig.path, .readOnly)) == 0)
    }

    /// The next sync would succeed, and say nothing of what the one before has lost.
    @Test func afterASyncThatFailedNothingIsWrittenAnyMore() throws {
        let rig = try Rig()
        let codes = [rig.code(1), rig.code(2)]
        for code in codes { try rig.insert(code).get() }
        rig.fail(FAILING_DISK_SYNC, file: "-wal")
        #expect(rig.losses.texts.isEmpty)
        #expect(try rig.redeemAtOnce(codes) == codes.map { _ in .failure(.outcomeUnknown) })
        rig.fail(nil, file: "-wal")
        for _ in 0..<3 {
            #expect(try rig.redeemAtOnce(codes) == codes.map { _ in .failure(.unavailable) })
        }
        #expect(rig.losses.texts.count == 1, "the process is told to end, once")
        #expect(rig.lines.texts.count == 1)
        #expect(rig.lines.texts.first?.contains("ends with status 74") == true)
        #expect(rig.store?.isAvailable == false)
        // Look-ups go on until the end.
        #expect(try rig.token(1).get() == nil)
        rig.close()
        try rig.open()
        #expect(try rig.redeem(codes[0]) == .success(.redeemed(state: "s")))
        #expect(rig.store?.isAvailable == true)
    }

    @Test func syncThatFailsAtTheEndLosesNothing() throws {
        let rig = try Rig()
        try rig.insert(rig.code(1)).get()
        rig.fail(FAILING_DISK_SYNC)
        rig.close()
        #expect(rig.losses.texts.isEmpty)
        #expect(rig.lines.texts.count == 1)
        rig.fail(nil)
        try rig.open()
        #expect(try rig.redeem(rig.code(1)) == .success(.redeemed(state: "s")), "nothing is lost")
    }

    @Test(
        arguments: [
            (10 | 4 << 8, true), (10 | 5 << 8, true), (10 | 3 << 8, false), (10, false),
            (13, false),
        ] as [(Int32, Bool)])
    func lostSyncIsToldFromOtherFaults(code: Int32, isLost: Bool) {
        #expect(DatabaseError(code: code, description: "").isLostSync == isLost)
    }

    @Test func writeThatFailsUnderACommitLeavesTheOutcomeUnknown() throws {
        let rig = try Rig()
        rig.fail(FAILING_DISK_WRITE, file: "-wal")
        guard case .failure(.outcomeUnknown) = try rig.insert(rig.code(1)) else {
            return #expect(Bool(false), "it was stored, or known not to be")
        }
        rig.fail(nil, file: "-wal")
        #expect(try rig.redeem(rig.code(1)) == .success(.refused(.unknown)))
    }

    /// The codes of SQLite that leave nothing behind, with their extended forms.
    @Test(
        arguments: [
            (5, true), (5 | 2 << 8, true), (13, true), (10, false), (10 | 4 << 8, false),
            (10 | 19 << 8, false), (7, false), (11, false), (1, false),
        ] as [(Int32, Bool)])
    func fewFailuresOfACommitLeaveNothing(code: Int32, leavesNothing: Bool) {
        let error = DatabaseError(code: code, description: "")
        #expect(error.leavesNothingCommitted == leavesNothing)
    }

    @Test func logThatCannotBeMovedIsToldAndAnswersNobody503() throws {
        let rig = try Rig()
        let lines = rig.lines
        try rig.insert(rig.code(1)).get()
        rig.fail(FAILING_DISK_WRITE)
        try rig.insert(rig.code(2)).get()
        #expect(rig.store?.isAvailable == true)
        #expect(lines.texts.isEmpty)
        // At the end, all of the log goes into the file.
        rig.close()
        #expect(lines.texts.count == 1)
        #expect(lines.texts.first?.contains("log cannot be moved into its file") == true)
        rig.fail(nil)
        try rig.open()
        #expect(try rig.redeem(rig.code(2)) == .success(.redeemed(state: "s")), "nothing is lost")
    }

    /// That there is nothing to move does not mean that it can be moved again.
    @Test func logThatCannotBeErasedIsToldOnce() throws {
        let rig = try Rig()
        func expire(_ milliseconds: Milliseconds) throws {
            let next: Result<Milliseconds?, StoreError> = try rig.answer {
                $0.removeExpired(now: 1_000_000 + milliseconds, completion: $1)
            }
            _ = try next.get()
        }
        try expire(0)
        try rig.insert(rig.code(1)).get()
        rig.fail(FAILING_DISK_WRITE)
        for second in 0..<Milliseconds(4) {
            try expire(LogErasure.pauseMilliseconds + second * 1000)
            try rig.insert(rig.code(UInt64(2 + second))).get()
        }
        #expect(rig.lines.texts.count == 1, "\(rig.lines.texts)")
        #expect(rig.lines.texts.first?.contains("log cannot be moved into its file") == true)
        rig.fail(nil)
        try expire(LogErasure.pauseMilliseconds + 4000)
        try rig.insert(rig.code(9)).get()
        #expect(rig.lines.texts.count == 2, "\(rig.lines.texts)")
        #expect(rig.lines.texts.last?.contains("again") == true)
    }

    @Test func longLogIsMovedWhileTheServerRuns() throws {
        let rig = try Rig()
        let account = String(repeating: "x", count: 4000)
        for round in 0..<5 {
            var answered = 0
            for number in 0..<1000 {
                let code = AuthorizationCode(
                    id: rig.code(UInt64(round * 1000 + number)).id, institution: .init(1),
                    provider: .init(1), redirectURI: .init(1), scope: .accounts,
                    consent: Consent(id: "c", accountID: account), state: nil, expiresAt: 9)
                rig.store?.insert(code) { _ in answered += 1 }
            }
            for _ in 0..<100_000 where answered < 1000 { rig.wait() }
        }
        for _ in 0..<1000 where size(rig.path) < 16_000_000 { rig.wait() }
        #expect(size(rig.path) > 16_000_000, "the file has \(size(rig.path)) bytes")
    }

    private func size(_ path: String) -> Int {
        (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
    }
}

@Suite struct ReaderFaultTests {
    /// Takes a table away behind the reader, and gives it back.
    private func rename(_ rig: Rig, _ old: String, _ new: String) throws {
        try Database(path: rig.path, .readWrite).execute("ALTER TABLE \(old) RENAME TO \(new)")
    }

    @Test(arguments: [("tokens", true), ("ccg_tokens", false)])
    func readerThatFailsIsToldOnceAndItsRecoveryToo(table: String, isTokens: Bool) throws {
        let rig = try Rig()
        var number: UInt64 = 0
        let read: () throws -> StoreError? = {
            if isTokens {
                // Another one each time: what is known is not asked of the file.
                number += 1
                if case .failure(let error) = try rig.token(number) { return error }
            } else {
                let id = rig.code(1).id
                let found: Result<CCGToken?, StoreError> = try rig.answer {
                    $0.ccgToken(id, completion: $1)
                }
                if case .failure(let error) = found { return error }
            }
            return nil
        }
        #expect(try read() == nil)
        try rename(rig, table, "gone")
        for _ in 0..<3 { #expect(try read() == .unavailable) }
        #expect(rig.store?.isAvailable == false)
        #expect(rig.lines.texts.count == 1, "\(rig.lines.texts)")
        let line = try #require(rig.lines.texts.first)
        #expect(line.contains("cannot be read: no such table"))
        #expect(line.contains("except about those that were asked for lately"))
        // Codes are still stored, and that says nothing of the reader.
        try rig.insert(rig.code(1)).get()
        #expect(rig.store?.isAvailable == false)
        try rename(rig, "gone", table)
        // Nobody has to ask for a token: while the store is not ready, nobody does.
        for _ in 0..<1000 where rig.store?.isAvailable == false {
            _ = try rig.expire()
            rig.wait()
        }
        #expect(rig.store?.isAvailable == true)
        #expect(rig.lines.texts.count == 2)
        #expect(rig.lines.texts.last == "the store can be read again")
        #expect(try read() == nil)
    }

    @Test func rowThatCannotBeReadIsNoUnknownToken() throws {
        let rig = try Rig()
        let code = rig.code(1)
        try rig.insert(code).get()
        #expect(try rig.redeem(code) == .success(.redeemed(state: "s")))
        try Database(path: rig.path, .readWrite).execute("UPDATE tokens SET scope = 77")
        for _ in 0..<3 {
            if case .success = try rig.token(9) { Issue.record("a scope of 77 was read") }
        }
        #expect(rig.lines.texts.count == 1)
    }

    @Test func writerAndReaderFailEachForItself() throws {
        let rig = try Rig()
        try rename(rig, "ccg_tokens", "gone")
        let id = rig.code(1).id
        let found: Result<CCGToken?, StoreError> = try rig.answer {
            $0.ccgToken(id, completion: $1)
        }
        if case .success = found { Issue.record("it was read") }
        let blocker = try Database(path: rig.path, .readWrite)
        try blocker.execute("BEGIN IMMEDIATE")
        #expect(try rig.expire() == .failure(.unavailable))
        #expect(rig.lines.texts.count == 2)
        try blocker.execute("ROLLBACK")
        // The writer recovers; the reader does not.
        try rig.insert(rig.code(1)).get()
        #expect(rig.lines.texts.count == 3)
        #expect(rig.store?.isAvailable == false)
    }
}

@Suite struct StoreHealthTests {
    @Test func eachCauseIsToldOnceUntilThePartRecovers() {
        let lines = Rig.Lines()
        let health = StoreHealth { lines.add($0) }
        for cause in ["a", "b", "a", "b"] { health.failed(.writing, cause) }
        #expect(lines.texts.count == 2)
        for _ in 0..<2 { health.recovered(.writing) }
        #expect(lines.texts.count == 3)
        health.failed(.writing, "a")
        #expect(lines.texts.count == 4)
    }

    @Test func causesOfOnePartAreBounded() {
        let lines = Rig.Lines()
        let health = StoreHealth { lines.add($0) }
        for number in 0..<100 { health.failed(.reading, "cause \(number)") }
        #expect(lines.texts.count == 8)
    }

    @Test(arguments: StoreHealth.Part.allCases)
    func onlyWhatRequestsNeedMakesItUnavailable(part: StoreHealth.Part) {
        let health = StoreHealth { _ in }
        health.failed(part, "a")
        #expect(health.isGood == [.log, .damage, .cleaning].contains(part))
        #expect(StoreHealth.Part.allCases.filter { health.isFailing($0) } == [part])
        health.recovered(part)
        #expect(health.isGood)
    }
}
