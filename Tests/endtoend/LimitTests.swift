// Every limit of the HTTP layer: at it and above it.

import Foundation
import Testing

@Suite struct LimitTests {
    static let health = Call("GET", "/healthz")

    private func padded(_ size: Int) -> Call {
        let text = #"{"grant_type":"client_credentials"}"#
        let padding = String(repeating: " ", count: size - text.utf8.count)
        return Call.clientCredentials.with(body: text + padding)
    }

    @Test func bodyOf64KiBIsServed() throws {
        let server = try ServerProcess.shared()
        try expectToken(server.answer(to: padded(65_536)))
        let connection = try server.connect()
        try connection.send(padded(65_536).chunkedBytes(size: 4_096))
        try expectToken(connection.readResponse())
    }

    /// Not a byte of the body is sent.
    @Test(arguments: ["65537", "4294967296", "9223372036854775808", "99999999999999999999999"])
    func declaredLargerBodyIsRefusedAtOnce(length: String) throws {
        let server = try ServerProcess.shared()
        for path in [Call.tokensPath, "/healthz", "/nope"] {
            let connection = try server.connect()
            var call = Call.clientCredentials.with(target: path).adding("Content-Length", length)
            call.body = nil
            try connection.send(call.bytes)
            #expect(connection.hasInput(withinMilliseconds: 2_000))
            let response = try connection.readResponse()
            try expectErrorBody(response, 413, ["payload_too_large"], on: server)
            if path.hasPrefix("/v1") { expectCommonHeaders(response) }
        }
    }

    @Test(arguments: [100, 1_000, 3_000])
    func bodyInChunksOfOneByteIsServed(size: Int) throws {
        try expectServed(padded(size))
    }

    /// The contract limits the body alone, however it is cut.
    @Test(arguments: [10_000, 65_536])
    func largeBodyInChunksOfOneByteIsServed(size: Int) throws {
        try expectServed(padded(size))
    }

    private func expectServed(_ call: Call) throws {
        let server = try ServerProcess.shared()
        let connection = try server.connect()
        try connection.send(call.chunkedBytes(size: 1))
        try expectToken(connection.readResponse())
    }

    @Test func largerChunkedBodyIsRefused() throws {
        let server = try ServerProcess.shared()
        for path in [Call.tokensPath, "/nope"] {
            let connection = try server.connect()
            let call = padded(65_537).with(target: path).removing("Authorization")
            try connection.send(call.chunkedBytes(size: 4_096))
            let response = try connection.readResponse()
            try expectErrorBody(response, 413, ["payload_too_large"], on: server)
        }
    }

    @Test func hugeChunkIsRefused() throws {
        let server = try ServerProcess.shared()
        var call = Call.clientCredentials.adding("Transfer-Encoding", "chunked")
        call.body = nil
        for size in ["10001", "7fffffffffffffff", "ffffffffffffffff", "FFFFFFFFFFFFFFFFFFFF"] {
            let connection = try server.connect()
            try connection.send(call.head + "\(size)\r\nx")
            let response = try connection.readResponse()
            try expectErrorBody(response, 413, ["payload_too_large"], on: server)
        }
    }

    private func health(targetSize: Int) -> Call {
        Self.health.with(target: "/healthz?" + String(repeating: "q", count: targetSize - 9))
    }

    @Test func targetOf8KiBIsServed() throws {
        #expect(try ServerProcess.shared().answer(to: health(targetSize: 8_192)).status == 200)
    }

    @Test(arguments: [8_193, 16_000, 20_000, 60_000])
    func longerTargetIsRefused(size: Int) throws {
        let server = try ServerProcess.shared()
        let response = try server.answer(to: health(targetSize: size))
        try expectErrorBody(response, 414, ["uri_too_long"], on: server)
    }

    private func health(headSize: Int, fieldSize: Int = 5_000) -> Call {
        var call = Self.health
        while call.head.utf8.count < headSize {
            let missing = headSize - call.head.utf8.count
            let size = missing < fieldSize * 2 ? missing : fieldSize
            call = call.adding("a", String(repeating: "v", count: size - 5))
        }
        return call
    }

    @Test func headOf16KiBIsServed() throws {
        let call = health(headSize: 16_384)
        #expect(call.head.utf8.count == 16_384)
        #expect(try ServerProcess.shared().answer(to: call).status == 200)
    }

    @Test(arguments: [16_385, 16_500, 20_000, 100_000])
    func largerHeadIsRefused(size: Int) throws {
        let server = try ServerProcess.shared()
        let response = try server.answer(to: health(headSize: size))
        try expectErrorBody(response, 431, ["headers_too_large"], on: server)
    }

    /// The head need not be complete to be too large.
    @Test func endlessHeadIsRefused() throws {
        let server = try ServerProcess.shared()
        let connection = try server.connect()
        try connection.send("GET /healthz HTTP/1.1\r\nHost: a\r\nx: ")
        try connection.send(String(repeating: "v", count: 17_000))
        let response = try connection.readResponse()
        try expectErrorBody(response, 431, ["headers_too_large"], on: server)
    }

    @Test(arguments: [(100, 200), (101, 431), (1_000, 431)])
    func hundredFieldsAreServed(count: Int, status: Int) throws {
        let server = try ServerProcess.shared()
        var call = Self.health
        for _ in 1..<count { call = call.adding("a", "b") }
        #expect(call.fields.count == count)
        let response = try server.answer(to: call)
        #expect(response.status == status)
        if status == 431 {
            try expectErrorBody(response, 431, ["headers_too_large"], on: server)
        }
    }

    @Test func limitsComeBeforeThePath() throws {
        let server = try ServerProcess.shared()
        let response = try server.answer(to: health(headSize: 17_000).with(target: "/nope"))
        try expectErrorBody(response, 431, ["headers_too_large"], on: server)
    }

    /// Incomplete heads and bodies, waited for together; on a thread of their own, since a busy
    /// test runner must not disturb the measurement.
    @Test func incompleteRequestTimesOut() async throws {
        let server = try ServerProcess.shared()
        let outcome = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(returning: Result { try Self.waitForTimeouts(server) })
            }
        }
        let answers = try outcome.get()
        #expect(answers.count == 5)
        for (isQuietBefore, response, isClosed) in answers {
            #expect(isQuietBefore)
            try expectErrorBody(response, 408, ["request_timeout"], on: server)
            #expect(response["Connection"] == "close")
            #expect(isClosed)
        }
    }

    private static func waitForTimeouts(
        _ server: ServerProcess
    ) throws -> [(isQuietBefore: Bool, response: HTTPResponse, isClosed: Bool)] {
        let call = Call.clientCredentials
        let starts = [
            Array("GET /heal".utf8), Array(call.head.utf8.dropLast(2)),
            call.bytes.dropLast(1), call.chunkedBytes().dropLast(5),
            Array("GET /healthz HTTP/1.1\r\nHost: a\r\nb: ".utf8),
        ]
        let connections = try starts.map { start in
            let connection = try server.connect(timeoutSeconds: 4)
            try connection.send(start)
            return connection
        }
        // The last one drips; each byte must not buy it more time.
        for _ in 0..<8 {
            _ = connections[0].hasInput(withinMilliseconds: 1_000)
            try connections[4].send("v")
        }
        let quiet = connections.map { !$0.hasInput(withinMilliseconds: 0) }
        return try zip(quiet, connections).map { isQuiet, connection in
            let response = try connection.readResponse()
            return (isQuiet, response, try connection.readUntilClose().isEmpty)
        }
    }
}
