// Connections: what keeps them open, what closes them, and how requests may be cut into pieces.

import Foundation
import Testing

@Suite struct ConnectionTests {
    static let health = Call("GET", "/healthz")

    @Test func connectionIsKeptAlive() throws {
        let connection = try ServerProcess.shared().connect()
        for _ in 0..<200 {
            try connection.send(Self.health.bytes)
            let response = try connection.readResponse()
            #expect(response.status == 200)
            #expect(response["Connection"] != "close")
        }
    }

    /// An error that is not about framing leaves the connection usable.
    @Test func connectionSurvivesErrors() throws {
        let server = try ServerProcess.shared()
        let connection = try server.connect()
        let calls = [
            Call.makeCode().removing("Authorization"), .makeCode().removing("version"),
            .tokens("{"), .exchange("x"), .makeCode().setting("fi_reference_id", "unknown"),
            Call("GET", "/nope"), Call("PUT", Call.tokensPath).with(body: "{}"),
            .makeCode().setting("ccg_token", "x"),
        ]
        for call in calls {
            try connection.send(call.bytes)
            #expect(try connection.readResponse().status >= 400)
            try connection.send(Self.health.bytes)
            #expect(try connection.readResponse().status == 200)
        }
    }

    static let closing = [
        Self.health.adding("Connection", "close"), Self.health.adding("Connection", "Close"),
        Self.health.adding("Connection", "x, close"), Self.health.with(version: "HTTP/1.0"),
        Call.clientCredentials.adding("Connection", "close"),
        Call.clientCredentials.with(version: "HTTP/1.0"),
        Call.makeCode().removing("Authorization").adding("Connection", "close"),
        Self.health.with(version: "HTTP/1.0").adding("Connection", "keep-alive, close"),
    ]

    /// What is sent behind it is not answered.
    @Test(arguments: closing)
    func connectionIsClosedAfterTheAnswer(call: Call) throws {
        let connection = try ServerProcess.shared().connect()
        try connection.send(call.bytes + Self.health.bytes)
        let response = try connection.readResponse()
        #expect([200, 201, 401].contains(response.status))
        #expect(response["Connection"] == "close" || call.version == "HTTP/1.0")
        #expect(try connection.readUntilClose().isEmpty)
    }

    @Test func oldClientMayKeepAlive() throws {
        let connection = try ServerProcess.shared().connect()
        let call = Self.health.with(version: "HTTP/1.0").adding("Connection", "Keep-Alive")
        for _ in 0..<3 {
            try connection.send(call.bytes)
            let response = try connection.readResponse()
            #expect(response.status == 200)
            #expect(response["Connection"]?.lowercased() == "keep-alive")
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() throws {
        let server = try ServerProcess.shared()
        let connection = try server.connect()
        let kinds: [(Call, Int)] = [
            (Self.health, 200), (.clientCredentials, 201), (Call("GET", "/nope"), 404),
            (.makeCode().removing("Authorization"), 401), (.makeCode(), 201),
            (Call("OPTIONS", "/healthz"), 204), (.tokens("{"), 400), (.exchange("x"), 403),
            (Call("GET", Call.tokensPath), 405), (Call("HEAD", "/errors"), 200),
        ]
        let calls = (0..<20).map { number in
            let (call, status) = kinds[number * 7 % kinds.count]
            let tag = "00000000-0000-0000-0000-0000000000\(number + 10)"
            return (call.adding("x-fapi-interaction-id", tag), status, tag)
        }
        try connection.send(calls.flatMap { $0.0.bytes })
        for (call, status, tag) in calls {
            let response = try connection.readResponse(isHead: call.method == "HEAD")
            #expect(response.status == status)
            if call.target.hasPrefix("/v1") {
                #expect(response["x-fapi-interaction-id"] == tag)
            }
        }
        #expect(!connection.hasInput(withinMilliseconds: 50))
    }

    /// More answers than any socket buffer takes, read only at the end.
    @Test func manyPipelinedRequestsAreAllAnswered() throws {
        let connection = try ServerProcess.shared().connect()
        let page = Call("GET", "/errors")
        try connection.send((0..<200).flatMap { _ in page.bytes })
        try connection.finishSending()
        for _ in 0..<200 {
            #expect(try connection.readResponse().status == 200)
        }
        #expect(try connection.readUntilClose().isEmpty)
    }

    /// The first exchange wins also on one connection, and the order tells which it was.
    @Test func pipelinedExchangesSpendOnce() throws {
        let server = try ServerProcess.shared()
        let call = Call.exchange(try server.newCode())
        let connection = try server.connect()
        try connection.send((0..<5).flatMap { _ in call.bytes })
        let statuses = try (0..<5).map { _ in try connection.readResponse().status }
        #expect(statuses == [201, 403, 403, 403, 403])
    }

    @Test func requestMayComeByteByByte() throws {
        let server = try ServerProcess.shared()
        let connection = try server.connect()
        for bytes in [Call.makeCode().bytes, Call.makeCode().chunkedBytes()] {
            for byte in bytes { try connection.send([byte]) }
            try expectCode(connection.readResponse())
        }
    }

    /// A pause after each first part makes sure that the server reads it on its own.
    @Test(arguments: [false, true])
    func requestMayBeSplitAnywhere(isChunked: Bool) throws {
        let server = try ServerProcess.shared()
        let connection = try server.connect()
        let call = Call.makeCode(["state": #""é😀\ud83d\ude00""#])
        let bytes = isChunked ? call.chunkedBytes(size: 40, extension: ";a=b") : call.bytes
        for position in 1..<bytes.count {
            try connection.send(bytes[..<position])
            usleep(500)
            try connection.send(bytes[position...])
            try expectCode(connection.readResponse(), state: "é😀😀")
        }
    }

    /// The end of one request and the start of the next arrive together.
    @Test func splitsAcrossRequestsAreServed() throws {
        let connection = try ServerProcess.shared().connect()
        let pair = Call.clientCredentials.bytes + Call.clientCredentials.chunkedBytes()
        for position in stride(from: 1, to: pair.count, by: 3) {
            try connection.send(pair[..<position])
            usleep(500)
            try connection.send(pair[position...])
            try expectToken(connection.readResponse())
            try expectToken(connection.readResponse())
        }
    }

    @Test func halfClosedClientGetsItsAnswers() throws {
        let server = try ServerProcess.shared()
        let connection = try server.connect()
        try connection.send(Call.makeCode().bytes + Call.clientCredentials.bytes)
        try connection.finishSending()
        try expectCode(connection.readResponse())
        try expectToken(connection.readResponse())
        #expect(try connection.readUntilClose().isEmpty)
    }

    @Test func idleConnectionIsClosedSilently() throws {
        try ServerProcess.with("--idle-timeout", "2") { server in
            let fresh = try server.connect()
            let used = try server.connect()
            try used.send(Self.health.bytes)
            #expect(try used.readResponse().status == 200)
            #expect(!used.hasInput(withinMilliseconds: 1_000))
            for connection in [fresh, used] {
                #expect(try connection.readUntilClose().isEmpty)
            }
        }
    }

    @Test func slowHeadTimesOutWhereTheOperatorSaysSo() throws {
        try ServerProcess.with("--head-timeout", "1") { server in
            let connection = try server.connect()
            try connection.send("GET /healthz HTTP/1.1\r\n")
            let response = try connection.readResponse()
            try expectErrorBody(response, 408, ["request_timeout"], on: server)
            #expect(response.text.contains("within 1 s"))
        }
    }

    /// One more than allowed waits while all others are in the midst of something, and is served when
    /// one of them goes.
    @Test func connectionAboveTheMaximumWaits() throws {
        try ServerProcess.with("--loops", "1", "--max-connections", "3") { server in
            var served = try (0..<3).map { _ in
                let connection = try server.connect()
                try connection.send(Self.health.bytes + Array("GET /healthz HTTP/1.1\r\n".utf8))
                #expect(try connection.readResponse().status == 200)
                return connection
            }
            let waiting = try server.connect(isAwaited: false)
            try waiting.send(Self.health.bytes)
            #expect(!waiting.hasInput(withinMilliseconds: 1500))
            try served[1].send("Host: a\r\n\r\n")
            #expect(try served[1].readResponse().status == 200, "the others go on")
            served.removeFirst()
            #expect(try waiting.readResponse().status == 200)
        }
    }

    /// Where nobody goes, the one that has been idle longest makes room.
    @Test func idleConnectionMakesRoom() throws {
        try ServerProcess.with("--loops", "1", "--max-connections", "3") { server in
            let idle = try (0..<3).map { _ in
                let connection = try server.connect()
                try connection.send(Self.health.bytes)
                #expect(try connection.readResponse().status == 200)
                usleep(10_000)  // so that it is clear which one has been idle longest
                return connection
            }
            let fourth = try server.connect()
            try fourth.send(Self.health.bytes)
            #expect(try fourth.readResponse().status == 200)
            #expect(try idle[0].readUntilClose().isEmpty)
            for connection in [idle[1], idle[2]] {
                try connection.send(Self.health.bytes)
                #expect(try connection.readResponse().status == 200)
            }
        }
    }

    @Test func moreConnectionsThanFilesAreRefusedAtTheStart() throws {
        let outcome = try ChildProcess.run(
            "/bin/sh",
            [
                "-c", "ulimit -n 100; exec \"$0\" \"$@\"", ChildProcess.binary.path, "serve",
                "--store", "memory", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
                "--loops", "1", "--max-connections", "29",
            ])
        #expect(outcome.status == 71)
        #expect(outcome.errors.contains("29 connections need 101 open files"))
        #expect(outcome.errors.split(separator: "\n").count == 1)
    }
}
