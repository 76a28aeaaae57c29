// The header x-idempotency-key: what it must be, where it is looked at, and what is written down of an
// exchange that is repeated.

import Bytes
import Testing
import Tokens

@testable import Server

@Suite struct RepetitionTests {
    private static let key = "8f14e45f-ceea-467f-ab6c-0242ac120002"

    private func exchange(_ code: String, _ key: String? = key) -> String {
        AuditedConnection.exchange(code, extra: key.map { "x-idempotency-key: \($0)\r\n" } ?? "")
    }

    private func body(_ answer: String) -> String { answer.components("\r\n\r\n").last ?? "" }

    @Test func repetitionIsALineAndACountOfItsOwn() throws {
        let metrics = LoopMetrics(CodeCensus(lifetime: 60_000, now: 1_800_000_000_000))
        let rig = AuditedConnection(metrics: metrics)
        let code = rig.newCode()
        let issued = try #require(rig.events.last)
        let first = rig.send(exchange(code))
        #expect(first.status == 201 && first.event?.kind == .tokenIssued)
        rig.pass(59_999)
        for _ in 0..<3 {
            let again = rig.send(exchange(code))
            #expect(again.status == 201)
            #expect(body(again.text) == body(first.text))
            let event = try #require(again.event)
            #expect(event.kind == .exchangeRepeated && event.reason == nil && event.errors.isEmpty)
            #expect(event.code == issued.code && event.code != nil)
            #expect(event.token == first.event?.token && event.token != nil)
            #expect(event.consentID == "c1" && event.clientID == "api-consumer-id")
        }
        #expect(metrics.exchangesRepeated.value == 3 && metrics.tokensIssued.value == 1)
        rig.pass(1)
        let late = rig.send(exchange(code))
        #expect(late.status == 403 && late.event?.kind == .codeReplayed)
        #expect(late.event?.token == first.event?.token, "the replay names the token it revoked")
        #expect(rig.send(exchange(code)).status == 403)
        #expect(metrics.exchangesRepeated.value == 3)
    }

    /// The throttle counts refusals; a repetition is none.
    @Test func repetitionsAreNoFailedAttempts() {
        let rig = AuditedConnection()
        let code = rig.newCode()
        for _ in 0..<200 { #expect(rig.send(exchange(code)).status == 201) }
    }

    @Test(arguments: [
        (String(repeating: "k", count: 15), false), (String(repeating: "k", count: 16), true),
        (String(repeating: "!", count: 128), true), (String(repeating: "~", count: 129), false),
        ("8f14e45f ceea-467f-ab6c-0242ac120002", false),
        ("8f14e45fceea467fé", false),
    ])
    func keyIsSixteenToAHundredAndTwentyEightVisibleCharacters(key: String, isTaken: Bool) {
        let rig = AuditedConnection()
        let code = rig.newCode()
        let answer = rig.send(exchange(code, key))
        #expect(answer.status == (isTaken ? 201 : 400))
        if isTaken {
            #expect(rig.send(exchange(code, key)).status == 201)
        } else {
            #expect(answer.text.contains("x-idempotency-key must be 16 to 128"))
            #expect(answer.text.contains("parameter_invalid"))
            #expect(rig.send(exchange(code)).status == 201, "the code is still good")
        }
    }

    @Test func doubledKeyIsRefusedAndAnEmptyOneIsNone() {
        let rig = AuditedConnection()
        let code = rig.newCode()
        for doubled in ["\(Self.key)\r\nX-Idempotency-Key: \(Self.key)", "\r\nx-idempotency-key: "]
        {
            let answer = rig.send(exchange(code, doubled))
            #expect(answer.status == 400 && answer.text.contains("must be given once"))
        }
        #expect(rig.send(exchange(code, "")).status == 201)
        #expect(rig.send(exchange(code, "")).status == 403)
    }

    /// With the faults of the other headers, before the body and before the institution; on an exchange
    /// only, and whatever is no request for a CCG token is taken for one.
    @Test(arguments: ["short", "\(key)\r\nx-idempotency-key: \(key)"])
    func faultComesWithThoseOfTheHeaders(value: String) {
        let rig = AuditedConnection()
        let extra = "x-idempotency-key: \(value)\r\n"
        for body in ["{}", "no JSON", #"{"grant_type":"x"}"#, #"{"grant_type":7}"#, "[]"] {
            let call = AuditedConnection.post("/v1/obie/tokens", body, extra: extra)
            for call in [call, call.replacing("PSDGB-FCA-111111", with: "PSDGB-FCA-999999")] {
                let alone = rig.send(call)
                #expect(alone.status == 400, "\(alone.text)")
                #expect(alone.text.components(#""code""#).count == 2)
                #expect(alone.text.contains("the header x-idempotency-key must be"))
            }
            let both = rig.send(call.replacing("version: 1.0", with: "version: 2"))
            #expect(both.text.contains("version_unsupported") && both.status == 400)
            #expect(both.text.contains("the header x-idempotency-key must be"))
        }
        let credentials = AuditedConnection.post(
            "/v1/obie/tokens", #"{"grant_type":"client_credentials"}"#, extra: extra)
        #expect(rig.send(credentials).status == 201)
        let code = AuditedConnection.makeCode.replacing(
            "Content-Length", with: "x-idempotency-key: short\r\nContent-Length")
        #expect(rig.send(code).status == 201)
    }

    /// The answer was held back, though the code was spent: with the key that costs nothing.
    @Test func lostAuditLineIsMadeGoodByARepetition() throws {
        let gate = HeldGate()
        let rig = AuditedConnection(gate: gate)
        gate.atOnce = true
        let code = rig.newCode()
        gate.atOnce = false
        #expect(rig.send(exchange(code)).status == 503)
        #expect(rig.send(exchange(code)).status == 503, "the line of a repetition must be on disk")
        gate.atOnce = true
        let again = rig.send(exchange(code))
        #expect(again.status == 201)
        let kinds = gate.events.map(\.kind)
        #expect(kinds == [.codeIssued, .tokenIssued, .exchangeRepeated, .exchangeRepeated])
        #expect(gate.events.last?.token == gate.events[1].token)
    }

    /// The time that a token lives from its issue on is the same in both answers, whatever was set since.
    @Test(arguments: [nil, "", "plain", "\"\\é"])
    func bothAnswersAreTheSame(state: String?) throws {
        let rig = AuditedConnection()
        let member = state.map { state -> String in
            var text: [UInt8] = []
            JSONWriter.appendString(state, to: &text)
            return #","state":\#(String(decoding: text, as: UTF8.self))}"#
        }
        let code = AuditedConnection.post(
            "/v1/obie/authorization_codes",
            #"{"consent_id":"c1","psu_account_id":"a1","scope":"payments","redirect_uri":"https://www.google.com""#
                + (member ?? "}"))
        let made = rig.send(code).text.components("\"").drop { $0 != "code" }.dropFirst(2).first
        let first = rig.send(exchange(try #require(made)))
        let again = rig.send(exchange(try #require(made)))
        #expect(first.status == 201 && body(first.text) == body(again.text))
        #expect(body(first.text).contains(#""state""#) == (state != nil))
    }
}
