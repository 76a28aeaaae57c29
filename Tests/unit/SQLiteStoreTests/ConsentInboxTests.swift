// Consents that commands revoke: from the registry's file into the store, where they count; and that
// neither file keeps them for ever, nor gets slow by them.

import Foundation
import StoreContract
import StoreThreads
import Synchronization
import System
import Testing
import Tokens
import UV

@testable import SQLiteStore

@Suite struct ConsentInboxTests {
    private let made: Milliseconds = 1_000_000

    private func revoke(
        _ consent: String, _ rig: Rig, until: Milliseconds? = nil
    ) throws -> Int64 {
        let registry = try SQLiteRegistry(store: rig.path, mode: nil)
        return try registry.update {
            try $0.revokeAll(ofConsent: consent, institution: nil, now: until ?? made)
        }.version
    }

    private func count(_ path: String) throws -> Int64 {
        try Database(path: path, .readOnly).integer("SELECT count(*) FROM revoked_consents")
    }

    /// One insert a row, in one transaction.
    private func fill(_ path: String, _ rows: Int64, until: Milliseconds, _ more: String = "")
        throws
    {
        try Database(path: path, .readWrite).execute(
            """
            WITH RECURSIVE numbers(n) AS (
                SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < \(rows))
            INSERT INTO revoked_consents SELECT 'old ' || n, 0, \(until)\(more) FROM numbers
            """)
    }

    @Test func storeHasItOnceTheServerSaysThatItIsTakenOver() throws {
        let rig = try Rig()
        let (code, other) = (rig.code(1), rig.code(2))
        for code in [code, other] { try rig.insert(code).get() }
        let version = try revoke("c1", rig)
        let registry = try #require(rig.file?.registry)
        #expect(try registry.wait(forTakeover: version, milliseconds: 40) == .isLate())
        try registry.takenOver(version)
        #expect(try registry.wait(forTakeover: version, milliseconds: 40) == .hasTakenOver)
        #expect(try rig.redeem(code) == .success(.refused(.revoked)))
        #expect(try rig.redeem(other) == .success(.redeemed(state: "s")))
    }

    /// What a command revokes does not cover what is made after its moment, however late the server
    /// takes it over.
    @Test(arguments: [(Milliseconds(-1), false), (0, true), (1, true)])
    func commandsMomentCounts(after: Milliseconds, isRefused: Bool) throws {
        let rig = try Rig()
        let code = rig.code(1)
        try rig.insert(code).get()
        let version = try revoke("c1", rig, until: made + after)
        try #require(rig.file?.registry).takenOver(version)
        let expected: RedemptionOutcome =
            isRefused ? .refused(.revoked) : .redeemed(state: "s")
        #expect(try rig.redeem(code) == .success(expected))
    }

    @Test func nextStartTakesOverWhatWasRevokedMeanwhile() throws {
        let rig = try Rig()
        let code = rig.code(1)
        try rig.insert(code).get()
        rig.close()
        _ = try revoke("c1", rig)
        try rig.open()
        #expect(try rig.redeem(code) == .success(.refused(.revoked)))
    }

    /// A command must not be told that it counts where the store could not write it.
    @Test func nothingIsAnnouncedThatTheStoreHasNotTaken() throws {
        let rig = try Rig()
        let code = rig.code(1)
        try rig.insert(code).get()
        let version = try revoke("c1", rig)
        let registry = try #require(rig.file?.registry)
        let blocker = try Database(path: rig.path, .readWrite)
        try blocker.execute("BEGIN IMMEDIATE")
        for _ in 0..<2 {
            #expect(throws: StoreFailure.self) { try registry.takenOver(version) }
            #expect(try registry.wait(forTakeover: version, milliseconds: 40) == .isLate())
        }
        try blocker.execute("ROLLBACK")
        try registry.takenOver(version)
        #expect(try registry.wait(forTakeover: version, milliseconds: 40) == .hasTakenOver)
        #expect(try rig.redeem(code) == .success(.refused(.revoked)))
    }

    /// It comes while a writer that hangs has an earlier one in hand.
    @Test func whatIsRevokedMeanwhileIsHandedOverToo() throws {
        let rig = try Rig()
        let registry = try SQLiteRegistry(store: rig.path, mode: nil)
        let jobs = ParcelQueue<Job, JobAnswer>(jobsMax: 100)
        let handover = ConsentHandover(-1, jobs)
        _ = try revoke("c1", rig)
        #expect(throws: StoreFailure.self) { try handover.handOver(from: registry) }
        _ = try revoke("c2", rig)
        let taken = Mutex<[String]>([])
        let writer = try Worker(owning: jobs, named: "writer") { jobs in
            while let parcels = jobs.take() {
                for job in parcels.flatMap(\.jobs) {
                    guard case .takeOver(let revoked, _) = job else { continue }
                    taken.withLock { $0.append(revoked.consentID) }
                }
                Parcel.answer(parcels, parcels.map { $0.jobs.map { _ in .success(.done) } })
            }
        }
        try handover.handOver(from: registry)
        jobs.close()
        writer.join()
        #expect(taken.withLock { $0 } == ["c1", "c2"])
    }

    /// More than fit into one parcel.
    @Test func manyAreTakenOverAtOnce() throws {
        let rig = try Rig()
        let code = rig.code(1)
        try rig.insert(code).get()
        try fill("\(rig.path).registry", 5000, until: made, ", 1")
        let version = try revoke("c1", rig)
        try #require(rig.file?.registry).takenOver(version)
        #expect(try count(rig.path) == 5001)
        #expect(try rig.redeem(code) == .success(.refused(.revoked)))
    }

    /// Version 1 of the registry had no order of coming.
    @Test func consentsOfAnOlderRegistryAreTakenOver() throws {
        let rig = try Rig()
        let code = rig.code(1)
        try rig.insert(code).get()
        rig.close()
        try Database(path: "\(rig.path).registry", .readWrite).execute(
            """
            DROP TABLE removed;
            \(SQLiteRegistryTests.backToVersion2)
            DROP INDEX revoked_consents_by_version;
            ALTER TABLE revoked_consents DROP COLUMN version;
            INSERT INTO revoked_consents VALUES ('c1', 0, \(made));
            PRAGMA user_version = 1;
            """)
        try rig.open()
        #expect(try rig.redeem(code) == .success(.refused(.revoked)))
    }

    /// Version 2 of the store did not know when a token's code was made.
    @Test func tokenOfAnOlderStoreIsAsOldAsItself() throws {
        let rig = try Rig()
        let code = rig.code(1)
        try rig.insert(code).get()
        #expect(try rig.redeem(code) == .success(.redeemed(state: "s")))
        #expect(try rig.token(9).get()?.codeIssuedAt == made)
        rig.close()
        try Database(path: rig.path, .readWrite).execute("UPDATE tokens SET code_issued_at = NULL")
        try rig.open()
        #expect(try rig.token(9).get()?.codeIssuedAt == 2_000_000)
    }

    // MARK: What nobody can need any more

    private func expire(_ rig: Rig, at now: Milliseconds) throws {
        for _ in 0..<1000 {
            let next: Result<Milliseconds?, StoreError> = try rig.answer {
                $0.removeExpired(now: now, completion: $1)
            }
            if try next.get() ?? .max > now { return }
        }
    }

    /// An hour is the longest that a token can be younger than its code.
    @Test func revocationGoesWithTheLastThatItCouldCover() throws {
        let rig = try Rig()
        let code = rig.code(1)
        try rig.insert(code).get()
        let moment = made + 5
        try rig.answer { store, completion in
            store.revoke(
                ConsentRevocation(consentID: "c1", institution: nil), now: moment,
                completion: completion)
        }.get()
        let codeIsGone = made + StoreContract.lifetime + ReplayMemory.milliseconds + 1
        for (now, left) in [
            (codeIsGone, 1), (moment + 3_600_000, 1), (moment + 3_600_001, 0),
        ] as [(Milliseconds, Int64)] {
            try expire(rig, at: now)
            #expect(try count(rig.path) == left, "at \(now)")
        }
    }

    /// A token that never expires keeps the revocations of all that came before it and after.
    @Test func tokenThatNeverExpiresKeepsItsRevocations() throws {
        let rig = try Rig()
        let code = rig.code(1)
        try rig.insert(code).get()
        _ = try rig.redeem(code)
        try rig.answer { store, completion in
            store.revoke(
                ConsentRevocation(consentID: "c1", institution: nil), now: 2_000_000,
                completion: completion)
        }.get()
        let later: Milliseconds = 5_000_000_000_000
        try expire(rig, at: later)
        #expect(try count(rig.path) == 1)
        #expect(try rig.token(9).get() == nil)
        try Database(path: rig.path, .readWrite).execute("DELETE FROM tokens")
        try expire(rig, at: later)
        #expect(try count(rig.path) == 0)
    }

    /// Work in portions: a request waits for one at the most.
    @Test func manyLeaveTheStoreInPortions() throws {
        let rig = try Rig()
        try fill(rig.path, 1200, until: made)
        rig.close()
        try rig.open()
        let now = made + 3_600_001
        for (left, isMore) in [(700, true), (200, true), (0, false)] as [(Int64, Bool)] {
            let next: Result<Milliseconds?, StoreError> = try rig.answer {
                $0.removeExpired(now: now, completion: $1)
            }
            #expect(try count(rig.path) == left)
            #expect(try next.get() == (isMore ? now : now + 1000))
        }
    }

    @Test func manyLeaveTheRegistryInPortions() throws {
        let rig = try Rig()
        let path = "\(rig.path).registry"
        try fill(path, 2500, until: made, ", n")
        // The first to have come is young: it is looked at each time, and stays.
        try Database(path: path, .readWrite).execute(
            "UPDATE revoked_consents SET revoked_until = \(2 * made), version = 0 "
                + "WHERE consent = 'old 7'")
        let registry = try SQLiteRegistry(store: rig.path, mode: nil)
        for left in [1501, 502, 1, 1] as [Int64] {
            try registry.forgetConsents(revokedBefore: made + 1)
            #expect(try count(path) == left)
        }
    }

    /// Version 0.7.0 took more than two seconds for each with as many.
    @Test func halfAMillionMakeNoChangeSlow() throws {
        let rig = try Rig()
        rig.close()
        let registry = try SQLiteRegistry(store: rig.path, mode: nil)
        try fill("\(rig.path).registry", 500_000, until: made, ", n")
        let began = Clock.monotonicMicroseconds()
        for number in 0..<20 {
            _ = try registry.update { content in
                try content.revokeAll(ofConsent: "c\(number)", institution: nil, now: made)
            }
            try registry.forgetConsents(revokedBefore: made)
        }
        let seconds = Double(Clock.monotonicMicroseconds() - began) / 1_000_000
        #expect(seconds < 10, "20 changes took \(seconds) s")
        #expect(try registry.load().version == 20)
    }
}
