// What is remembered of the file's tokens is never older than the file.

import FailingDisk
import Foundation
import StoreContract
import Testing
import Tokens

@testable import SQLiteStore

@Suite struct RecentTokensTests {
    private let changes = TokenChanges()
    private let recent: RecentTokens
    private static let now: Milliseconds = 1_000_000

    init() { recent = RecentTokens(changes) }

    private func token(
        _ number: UInt64, at time: Milliseconds = now, expiresAt: Milliseconds? = nil
    ) -> AccessToken {
        AccessToken(
            id: Identifier(issuedAt: time, randomHigh: 0, randomLow: number),
            institution: Institution.ID(1), provider: Provider.ID(1), scope: .accounts,
            consent: Consent(id: "c\(number)", accountID: "a"), codeIssuedAt: time,
            expiresAt: expiresAt)
    }

    private enum Known: Equatable { case nothing, absent, present }

    private func known(_ token: AccessToken, now: Milliseconds = now) -> Known {
        switch recent.look(token.id, now: now) {
        case .unknown: .nothing
        case .known(nil): .absent
        case .known(let found): found?.consent == token.consent ? .present : .nothing
        }
    }

    /// As a face does that asks the file and is told at once.
    private func remember(_ token: AccessToken, isThere: Bool = true) {
        recent.remember(isThere ? token : nil, token.id, number: changes.number)
    }

    private func commit(_ change: (inout TokenChanges.Pending) -> Void) {
        var pending = TokenChanges.Pending()
        change(&pending)
        changes.close(pending)
        changes.open(pending)
    }

    @Test func whatWasReadIsKnown() {
        let (there, gone) = (token(1), token(2))
        #expect(known(there) == .nothing)
        remember(there)
        remember(gone, isThere: false)
        #expect(known(there) == .present)
        #expect(known(gone) == .absent)
    }

    /// Each change, and whether it makes what was read of a token that is there, and of one that is not,
    /// count no longer.
    @Test(
        arguments: [
            ("its milliseconds' token goes", false, true), ("another's goes", true, true),
            ("its consent is revoked", false, true), ("another consent is", true, true),
            ("one of its millisecond comes", true, false), ("another comes", true, true),
        ])
    func changesEndWhatTheyTouch(change: String, there: Bool, gone: Bool) {
        let (present, absent) = (token(1), token(2))
        remember(present)
        remember(absent, isThere: false)
        commit { pending in
            switch change {
            case "its milliseconds' token goes": pending.remove(issuedAt: RecentTokensTests.now)
            case "another's goes": pending.remove(issuedAt: RecentTokensTests.now + 1)
            case "its consent is revoked": pending.revoke(consent: "c1")
            case "another consent is": pending.revoke(consent: otherConsent("c1"))
            case "one of its millisecond comes": pending.add(issuedAt: RecentTokensTests.now)
            default: pending.add(issuedAt: RecentTokensTests.now - 1)
            }
        }
        #expect(known(present) == (there ? .present : .nothing))
        #expect(known(absent) == (gone ? .absent : .nothing))
        remember(present)
        remember(absent, isThere: false)
        #expect(known(present) == .present)
        #expect(known(absent) == .absent)
    }

    /// Of another slot.
    private func otherConsent(_ consent: String) -> String {
        var number = 0
        while TokenChanges.slot(consent: "o\(number)") == TokenChanges.slot(consent: consent) {
            number += 1
        }
        return "o\(number)"
    }

    /// Some see the transaction before its commit returns, and some do not.
    @Test func whileItCommitsTheFileIsAsked() {
        let token = token(1)
        remember(token)
        var pending = TokenChanges.Pending()
        pending.remove(issuedAt: token.id.issuedAt)
        changes.close(pending)
        #expect(known(token) == .nothing)
        // Asked before the end, answered before or after.
        let early = changes.number
        recent.remember(token, token.id, number: early)
        #expect(known(token) == .nothing)
        changes.open(pending)
        #expect(known(token) == .nothing)
        recent.remember(token, token.id, number: early)
        #expect(known(token) == .nothing)
    }

    @Test func expiryIsJudgedEachTime() {
        let token = token(1, expiresAt: 2_000_000)
        remember(token)
        #expect(known(token, now: 1_999_999) == .present)
        #expect(known(token, now: 2_000_000) == .absent)
        #expect(known(token, now: 1_999_999) == .present)
    }

    /// Its row may be gone, though a clock that was set back says that it is active.
    @Test func whatMayHaveBeenRemovedIsAskedFor() {
        let (token, younger) = (token(1, expiresAt: 2_000_000), token(2, expiresAt: 2_000_001))
        remember(token)
        remember(younger)
        commit { $0.expire(at: 2_000_000) }
        #expect(known(token, now: 1_000_000) == .nothing)
        #expect(known(younger, now: 1_000_000) == .present)
    }

    @Test func memoryIsBounded() {
        let count = RecentTokens.rowsMax + 10_000
        for number in 0..<count { remember(token(UInt64(number))) }
        #expect(recent.count == RecentTokens.rowsMax)
        #expect(known(token(0)) == .nothing)
        #expect(known(token(UInt64(count - 1))) == .present)
        let found = (0..<count).count { known(token(UInt64($0))) == .present }
        #expect(found == RecentTokens.rowsMax)
    }
}

/// The same with a file under it: asked on one face, changed on another.
@Suite struct RememberedTokenTests {
    private let rig: Rig
    private let id = Identifier(issuedAt: 2_000_000, randomHigh: 2, randomLow: 9)

    init() throws { rig = try Rig(faces: 2) }

    private func isActive(_ face: Int, now: Milliseconds = 2_000_000) throws -> Bool {
        var found: Result<AccessToken?, StoreError>?
        rig.faces[face].token(id, now: now) { found = $0 }
        for _ in 0..<100_000 where found == nil { rig.wait() }
        return try #require(found).get() != nil
    }

    private func makeToken() throws {
        try rig.insert(rig.code(1)).get()
        #expect(try rig.redeem(rig.code(1)) == .success(.redeemed(state: "s")))
        for face in [0, 1, 0, 1] { #expect(try isActive(face)) }
    }

    @Test func aTokenThatIsKnownIsAnsweredAtOnce() throws {
        try makeToken()
        var found: AccessToken?
        rig.faces[1].token(id, now: 2_000_000) { found = (try? $0.get()) ?? nil }
        #expect(found?.consent.id == "c1")
    }

    @Test func itComesAfterItWasAskedFor() throws {
        for face in [0, 1] { #expect(try !isActive(face)) }
        try makeToken()
    }

    @Test(arguments: ["token", "replay", "consent", "command"])
    func whatOneFaceEndsNoFaceFinds(way: String) throws {
        try makeToken()
        switch way {
        case "token":
            let revoked: Result<AccessToken?, StoreError> = try rig.answer {
                $0.revoke([id], of: [Institution.ID(1)], completion: $1)
            }
            #expect(try revoked.get()?.id == id)
        case "replay":
            #expect(try rig.redeem(rig.code(1)) == .success(.refused(.used)))
        case "consent":
            let revoked: Result<Void, StoreError> = try rig.answer {
                $0.revoke(consent, now: 3_000_000, completion: $1)
            }
            try revoked.get()
        default:
            let jobs = try #require(rig.file).jobs
            let handover = ConsentHandover(-1, jobs)
            let registry = try SQLiteRegistry(store: rig.path, mode: nil)
            _ = try registry.update {
                try $0.revokeAll(ofConsent: "c1", institution: nil, now: 3_000_000)
            }
            try handover.handOver(from: registry)
        }
        for face in [1, 0, 1, 0] { #expect(try !isActive(face)) }
    }

    private var consent: ConsentRevocation {
        ConsentRevocation(consentID: "c1", institution: Institution.ID(1))
    }

    /// Nothing of it has happened, so nothing of it is seen.
    @Test func whatFailedToCommitChangesNothing() throws {
        try makeToken()
        rig.fail(FAILING_DISK_SYNC, file: "-wal")
        let revoked: Result<AccessToken?, StoreError> = try rig.answer {
            $0.revoke([id], of: [Institution.ID(1)], completion: $1)
        }
        guard case .failure(.outcomeUnknown) = revoked else {
            Issue.record("a sync has failed, and it was answered \(revoked)")
            return
        }
        for face in [1, 0] { #expect(try isActive(face), "as the file says in this process") }
    }
}
