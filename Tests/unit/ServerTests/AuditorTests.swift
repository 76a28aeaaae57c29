// From requests to events for the audit log.

import CryptoForTests
import HTTP1
import Testing
import Tokens

@testable import Server

@Suite struct AuditorTests {
    private let subject = (client: "api-consumer-id", institution: "PSDGB-FCA-111111")

    @Test func everyStepOfAnExchangeIsWrittenDown() throws {
        let rig = AuditedConnection()
        let interaction = "93bac548-d2de-4546-b106-880a5018460d"
        let extra =
            "transaction_reference: tx-1\r\nx-fapi-interaction-id: \(interaction)\r\n"
        let code = rig.newCode()
        let issued = try #require(rig.events.last)
        #expect(issued.kind == .codeIssued)
        #expect(issued.consentID == "c1")
        #expect(issued.scope == .payments)
        // With the same head again nothing is read anew, and yet all of it is written.
        for attempt in 0..<3 {
            let (status, _, found) = rig.send(AuditedConnection.exchange(code, extra: extra))
            let event = try #require(found)
            #expect(status == (attempt == 0 ? 201 : 403))
            #expect(event.kind == (attempt == 0 ? .tokenIssued : .codeReplayed))
            #expect(event.clientID == subject.client)
            #expect(event.institution == subject.institution)
            #expect(event.provider == "PSDGB-FCA-222222")
            #expect(event.transactionReference == "tx-1")
            #expect(event.interactionID == interaction)
            #expect(event.code == issued.code)
            #expect(event.token == rig.events[1].token, "the replay names the token it revoked")
            #expect(event.token != nil)
            #expect(event.at == rig.now)
            // The third finds no token any more.
            #expect(event.consentID == (attempt < 2 ? "c1" : nil))
            #expect(event.reason == (attempt == 0 ? nil : AuditReason.codeUsed.rawValue))
            #expect(event.errors.map(\.code) == (attempt == 0 ? [] : ["auth_code_invalid"]))
        }
    }

    @Test func errorIDsInTheAnswerStandInTheLog() throws {
        let rig = AuditedConnection()
        let (status, text, event) = rig.send(
            AuditedConnection.post("/v1/obie/tokens", #"{"auth_code":7}"#))
        #expect(status == 400)
        let errors = try #require(event).errors
        #expect(errors.map(\.code) == ["parameter_invalid", "parameter_missing"])
        for error in errors {
            var id: [UInt8] = []
            error.id.appendToken(to: &id)
            #expect(text.contains(String(decoding: id, as: UTF8.self)))
        }
    }

    @Test(arguments: [
        ("", AuditReason.credentialsMissing),
        ("Authorization: Bearer x\r\n", .credentialsMalformed),
        ("Authorization: Basic eDp5\r\n", .credentialsWrong),
        ("Authorization: Basic YXBpLWNvbnN1bWVyLWlkOng=\r\n", .credentialsWrong),
    ])
    func failedAuthenticationSaysWhy(field: String, reason: AuditReason) throws {
        let request =
            "POST /v1/obie/tokens HTTP/1.1\r\nHost: x\r\n\(field)Content-Length: 0\r\n\r\n"
        let (status, _, event) = AuditedConnection().send(request)
        #expect(status == 401)
        #expect(try #require(event).kind == .authenticationFailed)
        #expect(event?.reason == reason.rawValue)
    }

    @Test func refusalsNameTheirReason() throws {
        let rig = AuditedConnection()
        let wrongURI = AuditedConnection.post(
            "/v1/obie/tokens",
            #"{"auth_code":"\#(rig.newCode())","redirect_uri":"https://x.example"}"#)
        let late = rig.newCode()
        let rows: [(String, Int, AuditReason)] = [
            (wrongURI, 403, .codeForOtherRedirectURI),
            (AuditedConnection.exchange("x"), 403, .codeUnknown),
            (
                AuditedConnection.exchange("x").replacing(
                    "PSDGB-FCA-111111", with: "PSDGB-FCA-999999"), 403,
                .institutionUnknown
            ),
            (
                AuditedConnection.exchange("x").replacing(
                    "good-access-token", with: "bad-access-token!"), 401,
                .ccgTokenUnknown
            ),
            (
                AuditedConnection.makeCode.replacing("www.google", with: "www.goggle"), 403,
                .redirectURIUnregistered
            ),
        ]
        for (request, expected, reason) in rows {
            let (status, _, event) = rig.send(request)
            #expect(status == expected)
            #expect(event?.reason == reason.rawValue)
        }
        rig.now += 60_000
        #expect(
            rig.send(AuditedConnection.exchange(late)).event?.reason
                == AuditReason.codeExpired.rawValue)
    }

    /// Which of the two was wrong cannot be told from one of them.
    @Test(arguments: [true, false], [true, false])
    func mismatchNamesBothRedirectURIs(isRegistered: Bool, isLookedUp: Bool) throws {
        let rig = AuditedConnection()
        let (google, other) = ("https://www.google.com", "https://two.example/?a=b")
        var content = RegistryContent.sandbox
        if isRegistered {
            content.providers["PSDGB-FCA-222222"]?.redirectURIs.append(
                Provider.RedirectURI(id: Provider.RedirectURI.ID(7), text: other))
        }
        rig.feed.publish(Registry(content, now: 0))
        let code = rig.newCode()
        // Another registry is another object: the CCG token is looked up anew.
        if isLookedUp { rig.feed.publish(Registry(content, now: 0)) }
        let wrong = AuditedConnection.post(
            "/v1/obie/tokens", #"{"auth_code":"\#(code)","redirect_uri":"\#(other)"}"#)
        let event = try #require(rig.send(wrong).event)
        #expect(event.reason == AuditReason.codeForOtherRedirectURI.rawValue)
        #expect(event.redirectURI == other && event.codeRedirectURI == google)
        // What was refused for another reason, or not at all, says nothing of them.
        for text in [AuditedConnection.exchange(code), AuditedConnection.exchange("x")] {
            let event = try #require(rig.send(text).event)
            #expect(event.redirectURI == nil && event.codeRedirectURI == nil)
        }
    }

    @Test func redirectURIThatNobodyHasRegisteredIsNamed() throws {
        let text = AuditedConnection.makeCode.replacing("www.google", with: "www.goggle")
        let event = try #require(AuditedConnection().send(text).event)
        #expect(event.redirectURI == "https://www.goggle.com" && event.codeRedirectURI == nil)
    }

    @Test func methodThatIsNotOfferedIsWrittenDownAsAnswered() throws {
        let (status, text, event) = AuditedConnection().send(
            "GET /v1/obie/tokens HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(status == 405)
        #expect(event?.errors.map(\.code) == ["method_not_allowed"])
        let reason = try #require(event?.reason)
        #expect(!reason.isEmpty && text.contains(reason), "the title that the answer had")
    }

    @Test func readsAndProbesAreNotWrittenDown() {
        let rig = AuditedConnection()
        #expect(rig.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").event == nil)
        let form =
            "POST /oauth2/introspect HTTP/1.1\r\nHost: x\r\nAuthorization: Basic "
            + "YXBpLWNvbnN1bWVyLWlkOnBhc3N3b3Jk\r\nContent-Type: application/x-www-form-urlencoded"
            + "\r\nContent-Length: 7\r\n\r\ntoken=x"
        let (status, _, event) = rig.send(form)
        #expect(status == 200)
        #expect(event == nil)
    }

    /// The client is gone before the store has answered: what was done is recorded all the same.
    @Test func whatWasDoneIsWrittenDownWhoeverIsStillThere() throws {
        let rig = AuditedConnection()
        let code = rig.newCode()
        rig.clientGoes()
        #expect(rig.send(AuditedConnection.exchange(code)).status == 0)
        #expect(rig.events.map(\.kind) == [.codeIssued])
        let late = AuditedConnection(isHeld: true)
        late.send(AuditedConnection.makeCode)
        late.clientGoes()
        #expect(late.events.isEmpty)
        late.storeAnswers()
        #expect(late.events.map(\.kind) == [.codeIssued])
    }

    /// A hundred at once, ten a second: the rest is counted.
    @Test func whoProvesNothingCannotFillTheLog() throws {
        let rig = AuditedConnection(isThrottled: false)
        let request = AuditedConnection.post("/v1/obie/tokens", "{}", credentials: "eDp5")
        for _ in 0..<1000 { #expect(rig.send(request).status == 401) }
        #expect(rig.events.filter { $0.kind == .authenticationFailed }.count == 100)
        rig.pass(Auditor.summaryMilliseconds - 1)
        #expect(rig.events.count == 100)
        rig.pass(1)
        for _ in 0..<107 { rig.send(request) }
        rig.observer.ended()
        let counts = rig.events.filter { $0.kind == .refusalsSuppressed }.compactMap {
            Int($0.reason?.prefix { $0.isNumber } ?? "")
        }
        #expect(counts.count == 2)
        #expect(
            counts.reduce(0, +) + rig.events.filter { $0.kind == .authenticationFailed }.count
                == 1107)
    }
}
