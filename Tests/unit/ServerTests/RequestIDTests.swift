// Every request has an id: in its answer, in the audit log, and whoever has gone meanwhile.

import Testing
import Tokens

@testable import Server

@Suite struct RequestIDTests {
    private static let field = "X-Request-Id: "

    private func ids(_ answer: String) -> [String] {
        answer.components("\r\n").filter { $0.hasPrefix(Self.field) }.map {
            String($0.dropFirst(Self.field.count))
        }
    }

    static let given: [(text: String, isTaken: Bool)] = [
        ("a", true), ("!~", true), ("a/b\"c\\", true), (String(repeating: "x", count: 128), true),
        (String(repeating: "x", count: 129), false), ("", false), ("a b", false), ("ä", false),
        ("a\tb", false), ("\u{1}", false),
    ]

    @Test(arguments: given)
    func visibleTextIsEchoedAndAnythingElseReplaced(text: String, isTaken: Bool) throws {
        // Control characters never get this far.
        if text == "\u{1}" { return }
        let rig = AuditedConnection()
        let (_, answer, event) = rig.send(
            AuditedConnection.exchange("x", extra: "\(Self.field)\(text)\r\n"))
        let found = ids(answer)
        #expect(found.count == 1)
        #expect((found.first == text) == isTaken)
        if !isTaken { #expect(found.first?.wholeMatch(of: /[0-9a-f]{32}/) != nil) }
        #expect(event?.requestID?.text == found.first)
    }

    @Test func doubledIdIsReplaced() {
        let extra = "\(Self.field)one\r\n\(Self.field)two\r\n"
        let found = ids(
            AuditedConnection().send(AuditedConnection.exchange("x", extra: extra)).text)
        #expect(found.count == 1 && found.first?.count == 32)
    }

    /// Each kind of answer, with all that may stand beside the field.
    @Test func everyAnswerHasOneOfItsOwn() throws {
        let rig = AuditedConnection()
        let interaction = "x-fapi-interaction-id: 93bac548-d2de-4546-b106-880a5018460d\r\n"
        let requests = [
            AuditedConnection.makeCode, AuditedConnection.exchange(rig.newCode()),
            AuditedConnection.exchange(rig.newCode(), extra: interaction),
            AuditedConnection.exchange("x"), AuditedConnection.post("/v1/obie/tokens", "{"),
            AuditedConnection.post("/v1/obie/tokens", #"{"grant_type":"client_credentials"}"#),
            AuditedConnection.post("/v1/obie/tokens", "{}", credentials: "eDp5"),
            "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "GET /absent HTTP/1.1\r\nHost: x\r\n\r\n",
            "HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "GET /healthz HTTP/1.0\r\n\r\n",
            "OPTIONS /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
            "POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
            "GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        ]
        var seen = Set<String>()
        for request in requests {
            let connection = AuditedConnection()
            let found = ids(connection.send(request).text)
            #expect(found.count == 1, "\(request)")
            seen.formUnion(found)
        }
        #expect(seen.count == requests.count)
    }

    /// What is broken in its head, its body, or not HTTP at all.
    @Test(arguments: [
        "GET / HTTP/1.1\r\n\r\n", "nonsense\r\n\r\n", "BREW / HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /v1/obie/tokens HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine\r\nContent-Length: 99999\r\n\r\n",
        "POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
    ])
    func whatCannotBeReadHasOneToo(text: String) throws {
        let (status, answer, event) = AuditedConnection().send(text)
        #expect(status >= 400)
        let found = ids(answer)
        #expect(found.count == 1)
        if text.contains("mine") { #expect(found == ["mine"]) }
        #expect(event?.requestID?.text == found.first)
        #expect(event?.peer == [127, 0, 0, 1])
    }

    /// The client has gone: nobody reads the id, but the log has one, and the address.
    @Test func undeliveredAnswerCanBeFoundToo() throws {
        let rig = AuditedConnection(isHeld: true)
        rig.send(AuditedConnection.makeCode)
        rig.clientGoes()
        rig.storeAnswers()
        let event = try #require(rig.events.last)
        #expect(event.kind == .codeIssued && event.requestID?.text.count == 32)
        #expect(event.peer == [127, 0, 0, 1])
    }

    /// A later answer keeps what the request brought, whatever came in between.
    @Test func idIsOfItsRequestAndNotOfTheNext() {
        let rig = AuditedConnection(isHeld: true)
        rig.send(
            AuditedConnection.makeCode.replacing(
                "Content-Length", with: "X-Request-Id: first\r\nContent-Length")
                + AuditedConnection.makeCode.replacing(
                    "Content-Length", with: "X-Request-Id: second\r\nContent-Length"))
        rig.storeAnswers()
        rig.storeAnswers()
        #expect(rig.events.map { $0.requestID?.text } == ["first", "second"])
    }
}
