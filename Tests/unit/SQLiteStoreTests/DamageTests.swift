// A file of which a part is damaged: what is answered, what is told, and what the health is.

import FailingDisk
import Foundation
import StoreContract
import Testing
import Tokens

@testable import SQLiteStore

/// What stands on many pages, by number.
private enum DamagedRig {
    static let codes: Range<Int> = 1000..<3000
    static let start: Milliseconds = 1_000_000

    /// In the order of their numbers.
    static func code(_ number: Int, _ rig: Rig) -> AuthorizationCode {
        rig.code(UInt64(number), at: start + Milliseconds(number))
    }

    static func attempt(_ number: Int, _ rig: Rig) -> Redemption {
        let code = code(number, rig)
        return Redemption(
            code: code.id, institution: code.institution, provider: code.provider,
            redirectURI: code.redirectURI, now: code.id.issuedAt, token: token(number),
            tokenExpiresAt: nil, authorisation: .full)
    }

    static func token(_ number: Int) -> Identifier {
        Identifier(
            issuedAt: start + Milliseconds(number), randomHigh: 3, randomLow: UInt64(number))
    }
}

@Suite struct DamageTests {
    private let rig: Rig

    init() throws {
        rig = try Rig()
        var answered = 0
        for number in DamagedRig.codes {
            rig.store?.insert(DamagedRig.code(number, rig)) { _ in answered += 1 }
        }
        for _ in 0..<100_000 where answered < DamagedRig.codes.count { rig.wait() }
        try #require(answered == DamagedRig.codes.count)
    }

    private func redeem(_ numbers: [Int]) throws -> [Result<RedemptionOutcome, StoreError>] {
        var results: [Result<RedemptionOutcome, StoreError>] = []
        for number in numbers {
            try #require(rig.store).redeem(DamagedRig.attempt(number, rig)) { results.append($0) }
        }
        for _ in 0..<100_000 where results.count < numbers.count { rig.wait() }
        return results
    }

    private func token(_ number: Int) throws -> Result<AccessToken?, StoreError> {
        try rig.answer { $0.token(DamagedRig.token(number), now: DamagedRig.start, completion: $1) }
    }

    private func expire(_ now: Milliseconds) throws -> Result<Milliseconds?, StoreError> {
        try rig.answer { $0.removeExpired(now: now, completion: $1) }
    }

    /// Closes the store, overwrites the page of a table's leaf on which the consent stands, and opens
    /// it again.
    ///
    /// - Returns: the numbers of all consents on it.
    @discardableResult
    private func damagePage(of number: Int) throws -> [Int] {
        rig.close()
        let file = try FileHandle(forUpdating: URL(filePath: rig.path))
        var content = Data(try file.readToEnd() ?? Data())
        var found: [Int] = []
        let leaf: UInt8 = 0x0A
        for page in stride(from: 0, to: content.count, by: 4096) where content[page] == leaf {
            let bytes = content[page..<page + 4096]
            guard bytes.range(of: Data("c\(number)".utf8)) != nil else { continue }
            for other in DamagedRig.codes where bytes.range(of: Data("c\(other)".utf8)) != nil {
                found.append(other)
            }
            content.replaceSubrange(page..<page + 4096, with: Data(repeating: 0xA5, count: 4096))
        }
        try file.seek(toOffset: 0)
        try file.write(contentsOf: content)
        try file.close()
        try rig.open()
        try #require(found.count > 4)
        return found
    }

    private static let good = Result<RedemptionOutcome, StoreError>.success(
        .redeemed(state: "s"))

    @Test func damagedLeftEdgePausesTheCleanUpAndNothingElse() throws {
        try damagePage(of: 1000)
        let late = DamagedRig.start + 10_000_000
        #expect(try expire(late) == .failure(.unavailable))
        #expect(rig.lines.texts.count == 1, "\(rig.lines.texts)")
        let line = rig.lines.texts.first ?? ""
        #expect(line.contains("table codes: database disk image is malformed"), "\(line)")
        #expect(line.contains("`obie-tokens check`"))
        #expect(try expire(late + 1000) == .success(late + 2000), "it rests")
        #expect(try redeem([2999]) == [DamageTests.good])
        #expect(try token(2999).get() != nil)
        #expect(rig.store?.isAvailable == true)
        #expect(try expire(late + ExpiredRows.restMilliseconds) == .failure(.unavailable))
        #expect(rig.lines.texts.count == 1, "told once: \(rig.lines.texts)")
    }

    /// The wandering look has met the damage; the edge is clean again after the rest.
    @Test func edgeIsCleanedThoughAPlaceBehindItIsDamaged() throws {
        try damagePage(of: 2500)
        let count = {
            try Database(path: rig.path, .readOnly).integer("SELECT min(issued_at) FROM codes")
        }
        let before = try count()
        let expiry = DamagedRig.start + 1000 + StoreContract.lifetime + ReplayMemory.milliseconds
        // Nothing has expired; the look wanders until it fails.
        for _ in 0..<5 { _ = try expire(expiry - 1) }
        #expect(rig.lines.texts.count == 1)
        #expect(try count() == before)
        #expect(try expire(expiry + ExpiredRows.restMilliseconds).get() != nil)
        #expect(try count() > before)
    }

    @Test func jobThatMeetsDamageFailsAlone() throws {
        let page = try damagePage(of: 2000)
        let others = [1500, 2500]
        #expect(
            try redeem([others[0], page[0], others[1]])
                == [DamageTests.good, .failure(.unavailable), DamageTests.good])
        #expect(try redeem(page.prefix(4) + [1501]).last == DamageTests.good)
        #expect(rig.lines.texts.count == 1, "\(rig.lines.texts)")
        #expect(rig.lines.texts.first?.contains("tables codes and tokens: database disk") == true)
        #expect(rig.store?.isAvailable == true)
        #expect(rig.file?.metrics.damagedChanges.value == 5)
    }

    @Test(arguments: [16, 17])
    func jobsThatAreLeftOutOfABatchAreBounded(count: Int) throws {
        let page = try damagePage(of: 2000)
        try #require(page.count >= count)
        let results = try redeem(page.prefix(count) + [1500])
        let isBounded = results.last == .failure(.unavailable)
        #expect(isBounded == (count == 17))
        #expect(rig.store?.isAvailable == true)
        let again = try redeem([1500])
        #expect(again == [isBounded ? DamageTests.good : .success(.refused(.used))])
    }

    @Test func questionThatMeetsDamageFailsAlone() throws {
        for start in stride(from: 1000, to: 3000, by: 1000) {
            _ = try redeem(Array(start..<start + 1000))
        }
        let page = try damagePage(of: 2000)
        var refused: [Int] = []
        var answered = 0
        for number in DamagedRig.codes {
            rig.store?.token(DamagedRig.token(number), now: DamagedRig.start) { result in
                answered += 1
                switch result {
                case .success(let token): #expect(token?.consent.id == "c\(number)")
                case .failure: refused.append(number)
                }
            }
        }
        for _ in 0..<100_000 where answered < DamagedRig.codes.count { rig.wait() }
        // The row behind the page stands above it in the tree, and is sought through it.
        #expect(refused.count <= page.count + 1 && refused.starts(with: page))
        #expect(rig.lines.texts.count == 1, "\(rig.lines.texts)")
        #expect(rig.lines.texts.first?.contains("table tokens: database disk image") == true)
        #expect(rig.store?.isAvailable == true)
        #expect(rig.file?.metrics.damagedQuestions.value == refused.count)
        for _ in 0..<3 { _ = try expire(DamagedRig.start + 5000) }
        #expect(rig.store?.isAvailable == true)
    }

    @Test func damageWhereEveryExchangeGoesMakesItUnavailable() throws {
        _ = try redeem(Array(1000..<2000))
        try damagePage(of: 1999)
        #expect(try redeem([2500]) == [.failure(.unavailable)])
        #expect(rig.store?.isAvailable == true, "it may be that code alone")
        _ = try expire(DamagedRig.start + 5000)
        #expect(rig.store?.isAvailable == false)
        #expect(rig.lines.texts.last?.contains("exchanges get 503 until a backup") == true)
        #expect(try token(1000).get() != nil)
    }

    @Test func diskThatCannotBeReadAtAllMakesItUnavailableUntilItCan() throws {
        _ = try redeem([1000])
        rig.close()
        try rig.open()
        rig.fail(FAILING_DISK_READ)
        for _ in 0..<3 { #expect(try token(1000).map { $0?.consent } == .failure(.unavailable)) }
        #expect(rig.store?.isAvailable == false)
        #expect(rig.lines.texts.count == 2, "\(rig.lines.texts)")
        rig.fail(nil)
        for _ in 0..<1000 where rig.store?.isAvailable == false {
            _ = try expire(DamagedRig.start + 5000)
            rig.wait()
        }
        #expect(rig.store?.isAvailable == true)
        #expect(try token(1000).get() != nil)
    }

    /// An I/O error makes SQLite roll back the whole transaction by itself.
    @Test func batchGoesOnWithoutAJobThatCannotReadTheDisk() throws {
        rig.close()
        try rig.open()
        #expect(try redeem([1000]) == [DamageTests.good])
        rig.fail(FAILING_DISK_READ)
        let far = try redeem([2500, 1001])
        #expect(far == [.failure(.unavailable), DamageTests.good])
        rig.fail(nil)
        #expect(try redeem([2500]) == [DamageTests.good])
    }

    @Test func checkNamesThePage() throws {
        #expect(try StoreCheck.damage(of: rig.path).isEmpty)
        try damagePage(of: 2000)
        let damage = try StoreCheck.damage(of: rig.path)
        #expect(damage.contains { $0.contains("store.db: ") && $0.contains("age ") }, "\(damage)")
        rig.close()
        try Data(repeating: 0xA5, count: 8192).write(to: URL(filePath: "\(rig.path).registry"))
        #expect(
            try StoreCheck.damage(of: rig.path).contains { $0.contains("registry: file is not") })
    }

    /// By their extended codes: read, short read, of the checksums; and not write, sync or lock.
    @Test(
        arguments: [
            (11, true), (11 | 1 << 8, true), (26, true), (10 | 1 << 8, true), (10 | 2 << 8, true),
            (10 | 32 << 8, true), (10 | 33 << 8, true), (10, false), (10 | 3 << 8, false),
            (10 | 4 << 8, false), (5, false), (13, false), (7, false), (1, false),
        ] as [(Int32, Bool)])
    func damageIsToldFromOtherFaults(code: Int32, isDamage: Bool) {
        #expect(DatabaseError(code: code, description: "").isDamage == isDamage)
    }
}
