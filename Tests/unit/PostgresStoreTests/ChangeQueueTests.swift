// What becomes of changes that wait for too long: without a database.

import StoreThreads
import Testing
import Tokens

@testable import PostgresStore

@Suite struct ChangeQueueTests {
    private let parcels = ParcelQueue<Change, ChangeAnswer>(jobsMax: 100_000) {}
    private let mailbox = Mailbox<ChangeAnswer>()
    private let queue: ChangeQueue

    init() { queue = ChangeQueue(Inbox(parcels, filler: .failure(.full))) }

    private let token = Identifier(issuedAt: 5, randomHigh: 0, randomLow: 1)

    private var changes: [Change] {
        [
            .insert(Rig.code(1)), .redeem(Rig.attempt(Rig.code(2), token: 1)),
            .revoke([token], of: [Institution.ID(1)]),
            .revokeConsent(ConsentRevocation(consentID: "c", institution: nil), now: 5),
        ]
    }

    private func ask(_ changes: [Change], at now: Int = 100) {
        #expect(parcels.add(Parcel(jobs: changes[...], mailbox: mailbox)))
        queue.take(at: now)
    }

    private func answers() -> [StoreError?] {
        queue.deliver()
        return mailbox.take().flatMap(\.answers).map { answer in
            if case .failure(let error) = answer { error } else { nil }
        }
    }

    @Test func whatWasNeverSentIsUnavailable() {
        ask(changes)
        #expect(queue.expire(cameBefore: 100).isEmpty)
        #expect(queue.count == changes.count)
        #expect(queue.expire(cameBefore: 101).isEmpty)
        #expect(answers() == changes.map { _ in .unavailable })
        #expect(queue.isEmpty && !queue.hasDoubts)
    }

    @Test func whatMayHaveHappenedIsUndoneOrUnknown() throws {
        ask(changes)
        let sent = queue.next()
        for change in sent { change.mayBeDone = true }
        queue.putBack(sent)
        let undos = queue.expire(cameBefore: 101)
        #expect(answers() == [.unavailable, .unavailable, .outcomeUnknown, .outcomeUnknown])
        #expect(undos.map(\.code) == [Rig.code(2).id])
        // Until it is undone, a refusal could be wrong.
        #expect(queue.hasDoubts)
        let again = Change.redeem(Rig.attempt(Rig.code(2), token: 9))
        ask([again])
        #expect(answers() == [.unavailable])
        queue.settle(try #require(undos.first).code)
        ask([again])
        #expect(queue.next().count == 1)
    }

    @Test func exchangeThatIsUnderWayIsInDoubtUntilItEnds() {
        ask(changes)
        let sent = queue.next()
        for change in sent { queue.abandon(change) }
        #expect(answers() == [.unavailable, .unavailable, .outcomeUnknown, .outcomeUnknown])
        #expect(queue.hasDoubts)
        // The database has rolled it back.
        #expect(sent.compactMap(queue.giveUp).isEmpty)
        #expect(!queue.hasDoubts)
        #expect(answers().isEmpty)
    }

    @Test func batchesAreBoundedAndInOrder() {
        ask((0..<600).map { .insert(Rig.code($0)) })
        #expect([queue.next().count, queue.next().count, queue.next().count] == [256, 256, 88])
        #expect(queue.next().isEmpty)
    }

    @Test func whatIsAtFaultGoesAlone() {
        ask((0..<3).map { .insert(Rig.code($0)) })
        let sent = queue.next()
        for change in sent { change.isAlone = true }
        queue.putBack(sent)
        ask([.insert(Rig.code(9))])
        #expect((0..<5).map { _ in queue.next().count } == [1, 1, 1, 1, 0])
    }

    /// Whatever way they come back: alone, or with others that were never sent.
    @Test func repetitionMakesAChangeOfItsOwn() {
        ask(Array(changes.prefix(2)))
        let sent = queue.next()
        #expect(steps(sent) == ["insert_codes", "spend"])
        sent[1].mayBeDone = true
        #expect(steps(sent) == ["node", "insert_codes", "spend"])
        #expect(steps([sent[1]]) == ["node", "spend"])
        #expect(steps([sent[0]]) == ["insert_codes"])
    }

    /// Another may have done it, and a read waits for no standby.
    @Test func revocationMakesAChangeOfItsOwn() {
        ask(changes)
        let sent = queue.next()
        #expect(
            steps(sent) == ["node", "insert_codes", "spend", "revoke_tokens", "revoke_consents"])
        #expect(steps([sent[2]]) == ["node", "revoke_tokens"])
        #expect(steps([sent[3]]) == ["node", "revoke_consents"])
    }

    private func steps(_ changes: [PendingChange]) -> [String] {
        WriteBatch(changes).steps(node: [1]).map(\.statement.name)
    }

    @Test func fullQueueRefuses() {
        let full = ChangeQueue.waitingMax
        ask((0..<UInt64(full + 3)).map { .insert(Rig.code($0)) })
        #expect(queue.count == full)
        #expect(queue.expire(cameBefore: .max).isEmpty)
        #expect(answers().count == full + 3)
    }

    @Test func rightAfterAnOutageACodeMayBeUndone() {
        let health = StoreHealth { _ in }
        #expect(!health.mayBeUndone(tokenIssuedAt: 1_000_000, now: 1_000_001))
        health.regained()
        #expect(health.mayBeUndone(tokenIssuedAt: 1_000_000, now: 1_000_001))
        #expect(!health.mayBeUndone(tokenIssuedAt: 1_000_000, now: 1_030_000))
    }
}
