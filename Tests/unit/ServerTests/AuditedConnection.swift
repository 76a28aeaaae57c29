// Real routes and a real store behind a connection without a socket, with an audit log.

import CryptoForTests
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

private final class AuditedHost: ConnectionHost {
    let commons: LoopCommons
    let handler: any RequestHandler
    let monotonicMilliseconds: UInt64 = 1_000_000

    init(
        _ router: Router, _ replies: Replies, _ observer: LoopObserver, _ proxies: TrustedProxies
    ) {
        commons = LoopCommons(
            limits: ServerLimits(), replies: replies, observer: observer, trustedProxies: proxies)
        handler = router
    }

    func deadlineCameNearer(_ connection: Connection) {}
    func awaitNextTurn(_ connection: Connection) {
        Issue.record("one request fits into a turn")
    }
    private(set) var answeredAfterClose = 0
    func answeredAfterClose(_ connection: Connection) { answeredAfterClose += 1 }
    func connectionClosed(_ connection: Connection) {}
}

/// A sandbox on one connection, with an audit log and a clock that is set by hand.
final class AuditedConnection {
    private let issuer: TokenIssuer
    let transport = FakeTransport()
    private let connection: Connection
    private let host: AuditedHost
    private let recorder = Recorder()
    let feed = RegistryFeed(.sandbox)
    private final class Clock {
        var now: Milliseconds = 1_800_000_000_000
    }
    private let clock = Clock()
    var now: Milliseconds {
        get { clock.now }
        set { clock.now = newValue }
    }
    var events: [AuditEvent] { recorder.events }
    let observer: LoopObserver

    func pass(_ milliseconds: Milliseconds) {
        clock.now += milliseconds
        observer.ticked(everyMilliseconds: 250)
    }

    /// The connection fails; the stream says so last.
    func clientGoes() {
        clientFails()
        streamCloses()
    }
    func clientFails() { connection.failed(.connection(.endOfFile)) }
    func streamCloses() { connection.closed() }
    var answeredAfterClose: Int { host.answeredAfterClose }

    private let store: HeldStore
    func storeAnswers() { store.answerAll() }
    func storeWaits() { store.isHeld = true }

    init(
        _ mode: IssuerSettings.Mode = .sandbox, isThrottled: Bool = true, isHeld: Bool = false,
        gate: (any AuditGate)? = nil, metrics: LoopMetrics? = nil, log: Logger? = nil,
        isServing: (@Sendable () -> Bool)? = nil, trustedProxies: TrustedProxies = .none,
        certificates: CertificatePolicy = CertificatePolicy()
    ) {
        let store = HeldStore(isHeld: isHeld)
        self.store = store
        var generator = SystemRandomNumberGenerator()
        func fill(_ bytes: inout [UInt8]) {
            for index in bytes.indices { bytes[index] = .random(in: 0...255, using: &generator) }
        }
        var settings = IssuerSettings()
        settings.isAudited = true
        settings.tokenLifetime = 1_000_000_000
        settings.mode = mode
        if mode == .production {
            var content = RegistryContent(mode: mode)
            content.clients = RegistryContent.sandbox.clients
            content.institutions = RegistryContent.sandbox.institutions
            content.providers = RegistryContent.sandbox.providers
            feed.publish(Registry(content, now: 0))
        }
        let issuer = TokenIssuer(
            registry: feed, settings: settings,
            store: gate.map { AuditedStore(store, $0) } ?? store,
            keyring: Keyring(SealingKey(random: fill)),
            random: RandomPool { bytes in
                for index in bytes.indices { bytes[index] = .random(in: 0...255) }
            })
        self.issuer = issuer
        let replies = Replies(publicURL: "http://x", tokenLifetime: 1_000_000_000) {
            issuer.drawNumber()
        }
        replies.setDate(seconds: 0)
        replies.setIdleTimeout(milliseconds: 75_000)
        let clock = clock
        let clocks = RequestClock(now: { clock.now })
        let router = Router(
            issuer: issuer, shared: replies.shared,
            throttle: isThrottled ? FailureThrottle(random: fill) : nil, clock: clocks,
            certificates: certificates, isServing: isServing)
        observer = LoopObserver(
            metrics: metrics,
            auditor: Auditor(recorder, gate: gate, issuer: issuer, clock: clocks, random: fill),
            log: log)
        host = AuditedHost(router, replies, observer, trustedProxies)
        connection = Connection(transport, host)
    }

    /// What has been written since the last request, answer by answer.
    var answers: [String] {
        transport.text.components("HTTP/1.1 ").dropFirst().map { "HTTP/1.1 \($0)" }
    }

    /// The answer to one request, and the one event that it made, if any.
    @discardableResult
    func send(_ text: String) -> (status: Int, text: String, event: AuditEvent?) {
        transport.written = []
        let before = events.count
        let bytes = Array(text.utf8)
        host.turns.next()
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
        let text = send(AuditedConnection.makeCode).text
        return text.components("\"").drop { $0 != "code" }.dropFirst(2).first ?? ""
    }
}
