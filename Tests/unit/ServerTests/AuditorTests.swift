// From requests to events for the audit log, and what comes of failing too often: real routes and
// a real store behind a connection without a socket.

import HTTP1
import Synchronization
import Testing
import Tokens

@testable import Server

private final class Recorder: AuditSink {
    private let all = Mutex<[AuditEvent]>([])
    var events: [AuditEvent] { all.withLock { $0 } }
    func record(_ event: AuditEvent) { all.withLock { $0.append(event) } }
}

private final class Host: ConnectionHost {
    let limits = ServerLimits()
    let handler: any RequestHandler
    let replies: Replies
    let auditor: Auditor?
    let monotonicMilliseconds: UInt64 = 1_000_000
    let isStopping = false

    init(_ router: Router, _ replies: Replies, _ auditor: Auditor?) {
        handler = router
        self.replies = replies
        self.auditor = auditor
    }

    func deadlineCameNearer(_ connection: Connection) {}
    func connectionClosed(_ connection: Connection) {}
}

/// A sandbox on one connection, with an audit log and a clock that is set by hand.
private final class Rig {
    private let issuer: TokenIssuer
    private let transport = FakeTransport()
    private let connection: Connection
    private let recorder = Recorder()
    let feed = RegistryFeed(.sandbox)
    private final class Clock { var now: Milliseconds = 1_800_000_000_000 }
    private let clock = Clock()
    var now: Milliseconds {
        get { clock.now }
        set { clock.now = newValue }
    }
    var events: [AuditEvent] { recorder.events }

    init(isThrottled: Bool = true) {
        var generator = SystemRandomNumberGenerator()
        func fill(_ bytes: inout [UInt8]) {
            for index in bytes.indices { bytes[index] = .random(in: 0...255, using: &generator) }
        }
        var settings = IssuerSettings()
        settings.isAudited = true
        let issuer = TokenIssuer(
            registry: feed, settings: settings,
            store: MemoryStore(codeLifetime: 60_000, tokenLifetime: 1_000_000_000),
            keyring: Keyring(SealingKey(random: fill)),
            random: RandomPool { bytes in
                for index in bytes.indices { bytes[index] = .random(in: 0...255) }
            })
        self.issuer = issuer
        let replies = Replies(publicURL: "http://x", tokenLifetime: 1_000_000_000) {
            issuer.drawErrorID()
        }
        replies.setDate(seconds: 0)
        let clock = clock
        let router = Router(
            issuer: issuer, shared: replies.shared,
            throttle: isThrottled ? FailureThrottle(random: fill) : nil, now: { clock.now })
        let auditor = Auditor(recorder, issuer: issuer, now: { clock.now }, random: fill)
        connection = Connection(transport, Host(router, replies, auditor))
    }

    /// The answer to one request, and the one event that it made, if any.
    @discardableResult
    func send(_ text: String) -> (status: Int, text: String, event: AuditEvent?) {
        transport.written = []
        let before = events.count
        let bytes = Array(text.utf8)
        connection.received(bytes.span)
        let answer = transport.text
        let status = Int(answer.dropFirst(9).prefix(3)) ?? 0
        // A summary of refusals may come before it.
        #expect(events.count <= before + 2)
        return (status, answer, events.count > before ? events.last : nil)
    }

    static func post(
        _ path: String, _ body: String, credentials: String = "YXBpLWNvbnN1bWVyLWlkOnBhc3N3b3Jk",
        extra: String = ""
    ) -> String {
        """
        POST \(path) HTTP/1.1\r\nHost: x\r\nAuthorization: Basic \(credentials)\r
        fi_reference_id: PSDGB-FCA-111111\r\nversion: 1.0\r\nccg_token: good-access-token\r
        Content-Type: application/json\r\n\(extra)Content-Length: \(body.utf8.count)\r\n\r\n\(body)
        """
    }

    static func exchange(_ code: String, extra: String = "") -> String {
        post(
            "/v1/obie/tokens",
            #"{"auth_code":"\#(code)","redirect_uri":"https://www.google.com"}"#, extra: extra)
    }

    static let makeCode = post(
        "/v1/obie/authorization_codes",
        #"{"consent_id":"c1","psu_account_id":"a1","scope":"payments","redirect_uri":"https://www.google.com"}"#
    )

    func newCode() -> String {
        let text = send(Rig.makeCode).text
        return text.components("\"").drop { $0 != "code" }.dropFirst(2).first ?? ""
    }
}

@Suite struct AuditorTests {
    private let subject = (client: "api-consumer-id", institution: "PSDGB-FCA-111111")

    @Test func everyStepOfAnExchangeIsWrittenDown() throws {
        let rig = Rig()
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
            let (status, _, found) = rig.send(Rig.exchange(code, extra: extra))
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
            #expect(event.consentID == (attempt == 0 ? "c1" : nil))
            #expect(event.reason == (attempt == 0 ? nil : AuditReason.codeUsed.rawValue))
            #expect(event.errors.map(\.code) == (attempt == 0 ? [] : ["auth_code_invalid"]))
        }
    }

    @Test func errorIDsInTheAnswerStandInTheLog() throws {
        let rig = Rig()
        let (status, text, event) = rig.send(Rig.post("/v1/obie/tokens", #"{"auth_code":7}"#))
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
        let (status, _, event) = Rig().send(request)
        #expect(status == 401)
        #expect(try #require(event).kind == .authenticationFailed)
        #expect(event?.reason == reason.rawValue)
    }

    @Test func refusalsNameTheirReason() throws {
        let rig = Rig()
        let wrongURI = Rig.post(
            "/v1/obie/tokens",
            #"{"auth_code":"\#(rig.newCode())","redirect_uri":"https://x.example"}"#)
        let late = rig.newCode()
        let rows: [(String, Int, AuditReason)] = [
            (wrongURI, 403, .codeForOtherRedirectURI),
            (Rig.exchange("x"), 403, .codeUnknown),
            (
                Rig.exchange("x").replacing("PSDGB-FCA-111111", with: "PSDGB-FCA-999999"), 403,
                .institutionUnknown
            ),
            (
                Rig.exchange("x").replacing("good-access-token", with: "bad-access-token!"), 401,
                .ccgTokenUnknown
            ),
            (
                Rig.makeCode.replacing("www.google", with: "www.goggle"), 403,
                .redirectURIUnregistered
            ),
        ]
        for (request, expected, reason) in rows {
            let (status, _, event) = rig.send(request)
            #expect(status == expected)
            #expect(event?.reason == reason.rawValue)
        }
        rig.now += 60_000
        #expect(rig.send(Rig.exchange(late)).event?.reason == AuditReason.codeExpired.rawValue)
    }

    @Test func methodThatIsNotOfferedIsWrittenDownAsAnswered() throws {
        let (status, text, event) = Rig().send("GET /v1/obie/tokens HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(status == 405)
        #expect(event?.errors.map(\.code) == ["method_not_allowed"])
        let reason = try #require(event?.reason)
        #expect(!reason.isEmpty && text.contains(reason), "the title that the answer had")
    }

    @Test func readsAndProbesAreNotWrittenDown() {
        let rig = Rig()
        #expect(rig.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").event == nil)
        let form =
            "POST /oauth2/introspect HTTP/1.1\r\nHost: x\r\nAuthorization: Basic "
            + "YXBpLWNvbnN1bWVyLWlkOnBhc3N3b3Jk\r\nContent-Type: application/x-www-form-urlencoded"
            + "\r\nContent-Length: 7\r\n\r\ntoken=x"
        let (status, _, event) = rig.send(form)
        #expect(status == 200)
        #expect(event == nil)
    }

    /// A hundred at once, ten a second: the rest is counted.
    @Test func whoProvesNothingCannotFillTheLog() throws {
        let rig = Rig(isThrottled: false)
        let request = Rig.post("/v1/obie/tokens", "{}", credentials: "eDp5")
        for _ in 0..<1000 { #expect(rig.send(request).status == 401) }
        // The first that is not written makes the summary due, of itself alone.
        #expect(rig.events.filter { $0.kind == .authenticationFailed }.count == 100)
        rig.now += 1000
        let event = try #require(rig.send(Rig.makeCode).event ?? rig.events.last)
        #expect(event.kind == .codeIssued)
        let counts = rig.events.filter { $0.kind == .refusalsSuppressed }.compactMap {
            Int($0.reason?.prefix { $0.isNumber } ?? "")
        }
        #expect(counts.reduce(0, +) == 900)
    }
}

@Suite struct ThrottleTests {
    @Test func failuresAreThrottledAndTheRightCredentialsNever() {
        let rig = Rig()
        let wrong = Rig.post("/v1/obie/tokens", "{}", credentials: "YXBpLWNvbnN1bWVyLWlkOng=")
        for number in 0..<30 {
            let (status, text, _) = rig.send(wrong)
            #expect(status == (number < 20 ? 401 : 429))
            #expect(text.contains("Retry-After: 1\r\n") == (number >= 20))
            #expect(text.contains("rate_limited") == (number >= 20))
            #expect(rig.send(Rig.makeCode).status == 201)
        }
        rig.now += 1000
        #expect(rig.send(wrong).status == 401)
        #expect(rig.send(wrong).status == 429)
    }

    @Test func codesAreThrottledAndGoodOnesNever() {
        let rig = Rig()
        for number in 0..<30 {
            let (status, _, event) = rig.send(Rig.exchange("x"))
            #expect(status == (number < 20 ? 403 : 429))
            // As the answer said, and why.
            let code = number < 20 ? "auth_code_invalid" : "rate_limited"
            #expect(event?.errors.map(\.code) == [code])
            #expect(event?.reason == AuditReason.codeUnknown.rawValue)
            #expect(rig.send(Rig.exchange(rig.newCode())).status == 201)
        }
    }

    @Test func addressIsThrottledWhateverClientsItNames() {
        let rig = Rig()
        var answers: [Int: Int] = [:]
        for number in 0..<200 {
            let digits = Array("ABCDEFGHIJKLMNOP")
            let name = String([digits[number / 16], digits[number % 16]])
            let request = Rig.post("/v1/obie/tokens", "{}", credentials: "\(name)E6eQ==")
            answers[rig.send(request).status, default: 0] += 1
        }
        #expect(answers == [401: 100, 429: 100])
    }

    @Test func registryOfTheNextRequestIsTheNewest() {
        let rig = Rig()
        let code = rig.newCode()
        var content = RegistryContent.sandbox
        content.providers["PSDGB-FCA-222222"]?.isDisabled = true
        rig.feed.publish(Registry(content, now: 0))
        #expect(rig.send(Rig.exchange(code)).status == 401)
        rig.feed.publish(.sandbox)
        #expect(rig.send(Rig.exchange(code)).status == 201)
        rig.feed.publish(.empty)
        #expect(rig.send(Rig.exchange(code)).status == 401)
    }
}
