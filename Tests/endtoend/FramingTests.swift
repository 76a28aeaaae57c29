// What HTTP/1.1 framing the server takes and what it refuses, with the code of each refusal.

import Testing

@Suite struct FramingTests {
    static let host = "Host: localhost\r\n"
    static let health = "GET /healthz HTTP/1.1\r\n"
    static let post = "POST /v1/obie/tokens HTTP/1.1\r\n" + host

    static let malformed: [String] = [
        "GET /healthz HTTP/1.1\nHost: localhost\n\n", health + "Host: localhost\n\r\n",
        "GET /healthz HTTP/1.1\n" + host + "\r\n", health + host + "a: b\nc: d\r\n\r\n",
        health + "Host : localhost\r\n\r\n", health + host + "a : b\r\n\r\n",
        health + host + "a\t: b\r\n\r\n", health + host + ": b\r\n\r\n",
        health + host + "a\r\n\r\n",
        health + host + "a b: c\r\n\r\n", health + host + "a@: c\r\n\r\n",
        health + host + "é: c\r\n\r\n", health + host + "a: b\r\n c\r\n\r\n",
        health + host + "a: b\r\n\tc\r\n\r\n", health + " " + host + "\r\n",
        health + host + "a: b\0c\r\n\r\n", health + host + "a: b\rc\r\n\r\n",
        health + host + "a: b\u{1}c\r\n\r\n", health + host + "a: b\u{7F}c\r\n\r\n",
        health + "\r\n", health + "a: b\r\n\r\n", health + host + host + "\r\n",
        health + host + "Host: other\r\n\r\n", health + "Host: a b\r\n\r\n",
        "GET\r\n\r\n", "GET /healthz\r\n\r\n", "GET  /healthz HTTP/1.1\r\n" + host + "\r\n",
        "GET /healthz  HTTP/1.1\r\n" + host + "\r\n", "GET /healthz HTTP/1.1 \r\n" + host + "\r\n",
        " GET /healthz HTTP/1.1\r\n" + host + "\r\n", "GET /he althz HTTP/1.1\r\n" + host + "\r\n",
        "GET\t/healthz\tHTTP/1.1\r\n" + host + "\r\n", "GET healthz HTTP/1.1\r\n" + host + "\r\n",
        "GET /healthz http/1.1\r\n" + host + "\r\n", "GET /healthz HTTP/1\r\n" + host + "\r\n",
        "GET /healthz HTTP/1.1x\r\n" + host + "\r\n", "GET /healthz HTTP/11\r\n" + host + "\r\n",
        "GET /healthz\u{1} HTTP/1.1\r\n" + host + "\r\n", "G(T /healthz HTTP/1.1\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{FC}\u{3}\u{3}\r\n\r\n", "{}\r\n\r\n",
        post + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        post + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        post + "Content-Length: 2, 3\r\n\r\n{}", post + "Content-Length: +2\r\n\r\n{}",
        post + "Content-Length: -2\r\n\r\n{}", post + "Content-Length: 0x2\r\n\r\n{}",
        post + "Content-Length: 2a\r\n\r\n{}", post + "Content-Length: \r\n\r\n{}",
        post + "Content-Length: 1 2\r\n\r\n{}", post + "Content-Length: 2.0\r\n\r\n{}",
        post + "Transfer-Encoding: chunked\r\n\r\nx\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n0x1\r\n{\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n 2\r\n{}\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}}\r\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\n0\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\na b: c\r\n\r\n",
        post + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        "POST /v1/obie/tokens HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ]

    @Test(arguments: malformed)
    func malformedRequestEndsTheConnection(text: String) throws {
        let server = try ServerProcess.shared()
        let connection = try server.connect()
        try connection.send(text)
        let response = try connection.readResponse()
        try expectErrorBody(response, 400, ["http_malformed"], on: server)
        #expect(response["Connection"] == "close")
        #expect(try connection.readUntilClose().isEmpty)
    }

    /// Misframed requests are refused for any path and without credentials.
    @Test func framingComesBeforeThePath() throws {
        let server = try ServerProcess.shared()
        for text in Self.malformed where text.hasPrefix("POST /v1/obie/tokens HTTP/1.1") {
            let moved = text.replacing("/v1/obie/tokens", with: "/nope")
            let response = try server.answer(toRaw: moved)
            try expectErrorBody(response, 400, ["http_malformed"], on: server)
        }
    }

    static let accepted: [String] = [
        health + host + "\r\n", "\r\n" + health + host + "\r\n", health + "Host:\r\n\r\n",
        health + "host:localhost\r\n\r\n", health + "HOST: \t localhost \t \r\n\r\n",
        health + host + "a:\r\nb: \r\na: c\r\n\r\n", health + host + "a: b\tc \u{E9}\r\n\r\n",
        health + host + "!#$%&'*+-.^_`|~09az: x\r\n\r\n",
        health + host + "Content-Length: 0\r\n\r\n",
        health + "Host: [::1]:80\r\n\r\n",
        health + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        health + host + "Transfer-Encoding: CHUNKED\r\n\r\n2;a=\"b;\"\r\n{}\r\n00\r\nx: y\r\n\r\n",
        health + host + "Content-Length: 2\r\n\r\n{}", "GET /healthz HTTP/1.0\r\n\r\n",
        "GET http://localhost/healthz HTTP/1.1\r\n" + host + "\r\n",
        health + host + "Upgrade: h2c\r\nConnection: upgrade\r\n\r\n",
    ]

    @Test(arguments: accepted)
    func unusualRequestIsServed(text: String) throws {
        let response = try ServerProcess.shared().answer(toRaw: text)
        #expect(response.status == 200, "\(response.text)")
        #expect(response.version == "HTTP/1.1")
    }

    @Test(arguments: ["gzip, chunked", "foo, chunked", "br,chunked", "identity, chunked"])
    func otherTransferCodingsAreNotImplemented(coding: String) throws {
        let server = try ServerProcess.shared()
        let text = Self.post + "Transfer-Encoding: \(coding)\r\n\r\n0\r\n\r\n"
        try expectErrorBody(server.answer(toRaw: text), 501, ["not_implemented"], on: server)
    }

    /// RFC 9112 §6.3: without chunked at the end the length is unknown.
    @Test(arguments: ["gzip", "identity", "chunkedd", "chunked, gzip", "xchunked"])
    func unchunkedTransferCodingIsMalformed(coding: String) throws {
        let server = try ServerProcess.shared()
        let text = Self.post + "Transfer-Encoding: \(coding)\r\n\r\n0\r\n\r\n"
        try expectErrorBody(server.answer(toRaw: text), 400, ["http_malformed"], on: server)
    }

    @Test(arguments: ["HTTP/2.0", "HTTP/3.0", "HTTP/9.9", "HTTP/0.9"])
    func otherVersionsAreNotSupported(version: String) throws {
        let server = try ServerProcess.shared()
        for path in ["/healthz", "/nope"] {
            let response = try server.answer(to: Call("GET", path).with(version: version))
            try expectErrorBody(response, 505, ["http_version_unsupported"], on: server)
        }
    }

    @Test(arguments: ["x", "200-ok", "100-continue, x", "100-continued"])
    func otherExpectationsFail(expectation: String) throws {
        let server = try ServerProcess.shared()
        let call = Call.makeCode().adding("Expect", expectation)
        try expectErrorBody(server.answer(to: call), 417, ["expectation_failed"], on: server)
        let stranger = call.removing("Authorization")
        try expectErrorBody(server.answer(to: stranger), 417, ["expectation_failed"], on: server)
    }

    @Test(arguments: ["100-continue", "100-Continue"])
    func expectingClientIsToldToContinue(expectation: String) throws {
        let server = try ServerProcess.shared()
        let call = Call.clientCredentials.adding("Expect", expectation)
        let connection = try server.connect()
        for _ in 0..<2 {
            try connection.send(call.head)
            let interim = try connection.readResponse()
            #expect(interim.status == 100)
            #expect(interim.fields.isEmpty)
            try connection.send(call.body ?? [])
            try expectToken(connection.readResponse())
        }
    }

    @Test func expectingClientIsNotToldToSendTooMuch() throws {
        let server = try ServerProcess.shared()
        let connection = try server.connect()
        let call = Call.clientCredentials.adding("Expect", "100-continue")
        try connection.send(call.with(body: [UInt8](repeating: 32, count: 65_537)).head)
        try expectErrors(connection.readResponse(), 413, "payload_too_large", on: server)
    }

    @Test(arguments: [
        (1, ""), (2, ";a"), (7, ";a=b;c=\"d\\\"\r\"".replacing("\r", with: "")),
        (1_000, ""),
    ])
    func chunkedRequestWorks(size: Int, chunkExtension: String) throws {
        let server = try ServerProcess.shared()
        let connection = try server.connect()
        try connection.send(
            Call.makeCode().chunkedBytes(size: size, extension: chunkExtension))
        let code = try expectCode(connection.readResponse())
        try connection.send(Call.exchange(code).chunkedBytes(size: size))
        try expectToken(connection.readResponse())
    }
}
