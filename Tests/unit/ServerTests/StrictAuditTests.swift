// With a strict audit log no success leaves before its line is on disk.

import Testing
import Tokens

@testable import Server

/// A log that answers when it is told to.
final class HeldGate: AuditGate {
    var isOpen = true
    private(set) var events: [AuditEvent] = []
    private var waiting: [(Bool) -> Void] = []
    /// Set: answers so at once.
    var atOnce: Bool?

    func record(_ event: AuditEvent, completion: @escaping (Bool) -> Void) {
        events.append(event)
        if let atOnce { return completion(atOnce) }
        waiting.append(completion)
    }
    func close() {}

    func answerAll(_ isOnDisk: Bool) {
        let told = waiting
        waiting = []
        for completion in told { completion(isOnDisk) }
    }
}

@Suite struct StrictAuditTests {
    typealias Deed = UndeliveredAnswerTests.Deed

    /// The rig after all that the deed needs, and its request.
    private func prepared(_ deed: Deed) -> (rig: AuditedConnection, gate: HeldGate, text: String) {
        let gate = HeldGate()
        let rig = AuditedConnection(deed.mode, gate: gate)
        gate.atOnce = true
        let text = deed.request(rig)
        gate.atOnce = nil
        return (rig, gate, text)
    }

    @Test(arguments: Deed.allCases)
    func successWaitsForItsLine(deed: Deed) {
        let (rig, gate, text) = prepared(deed)
        let before = (gate.events.count, rig.events.count)
        #expect(rig.send(text).status == 0, "nothing leaves")
        #expect(gate.events.count == before.0 + 1)
        #expect(gate.events.last?.kind == deed.event)
        #expect(gate.events.last?.requestID != nil && gate.events.last?.peer == [127, 0, 0, 1])
        gate.answerAll(true)
        #expect(rig.answers.count == 1 && rig.answers[0].hasPrefix("HTTP/1.1 20"))
        #expect(rig.events.count == before.1, "it is written once")
    }

    /// The store has it, and nobody is told: that is what "the outcome is unknown" means.
    @Test(arguments: Deed.allCases, [true, false])
    func lostLineIsNoSuccess(deed: Deed, isAtOnce: Bool) throws {
        let (rig, gate, text) = prepared(deed)
        if isAtOnce { gate.atOnce = false }
        rig.send(text)
        gate.answerAll(false)
        #expect(rig.answers.count == 1)
        let answer = try #require(rig.answers.first)
        #expect(answer.hasPrefix("HTTP/1.1 503") && answer.contains("Retry-After"))
        #expect(answer.contains("cannot say whether this was done"))
        let event = try #require(rig.events.last)
        #expect(event.kind == .refused && event.reason == AuditReason.auditUnavailable.rawValue)
        #expect(event.requestID?.text == gate.events.last?.requestID?.text)
    }

    /// The next request of the connection waits for its turn.
    @Test func answersStayInOrder() {
        let gate = HeldGate()
        let rig = AuditedConnection(gate: gate)
        rig.send(AuditedConnection.makeCode + "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(rig.answers.isEmpty)
        gate.answerAll(true)
        #expect(rig.answers.map { $0.prefix(12) } == ["HTTP/1.1 201", "HTTP/1.1 200"])
    }

    @Test(arguments: [true, false])
    func clientThatGoesMeanwhileIsWrittenOnce(isOnDisk: Bool) {
        let gate = HeldGate()
        let rig = AuditedConnection(gate: gate)
        rig.send(AuditedConnection.makeCode)
        rig.clientGoes()
        #expect(rig.answeredAfterClose == 0, "the loop waits for it")
        gate.answerAll(isOnDisk)
        #expect(rig.answeredAfterClose == 1)
        #expect(gate.events.map(\.kind) == [.codeIssued])
        #expect(rig.events.map(\.kind) == (isOnDisk ? [] : [.refused]))
    }

    /// Refusals and look-ups promise nothing.
    @Test func whatChangesNothingWaitsForNothing() {
        let gate = HeldGate()
        for text in [
            AuditedConnection.exchange("x"), AuditedConnection.post("/v1/obie/tokens", "{"),
            "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        ] {
            #expect(AuditedConnection(gate: gate).send(text).status > 0)
        }
        #expect(gate.events.isEmpty)
    }

    /// While the log is known to fail nothing is begun: the code stays good.
    @Test func closedLogSpendsNoCode() {
        let gate = HeldGate()
        let rig = AuditedConnection(gate: gate)
        gate.atOnce = true
        let code = rig.newCode()
        gate.isOpen = false
        for text in [AuditedConnection.exchange(code), AuditedConnection.makeCode] {
            let answer = rig.send(text)
            #expect(answer.status == 503 && answer.text.contains("send the same request again"))
            #expect(!answer.text.contains("spent"))
        }
        gate.isOpen = true
        #expect(rig.send(AuditedConnection.exchange(code)).status == 201)
    }
}
