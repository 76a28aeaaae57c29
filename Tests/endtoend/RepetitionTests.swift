// Lost answers, over sockets: with an idempotency key the same exchange gets the same answer again.

import Foundation
import Testing

@Suite struct RepetitionTests {
    private static let key = "8f14e45f-ceea-467f-ab6c-0242ac120002"

    private func exchange(_ code: String, _ key: String? = key) -> Call {
        let call = Call.exchange(code)
        return key.map { call.adding("x-idempotency-key", $0) } ?? call
    }

    @Test func repetitionGetsTheSameAnswerOnAnyConnection() throws {
        let server = try ServerProcess.shared()
        let code = try server.newCode()
        let first = try server.answer(to: exchange(code))
        try expectToken(first)
        for _ in 0..<4 {
            let again = try server.answer(to: exchange(code))
            try expectToken(again)
            #expect(again.text == first.text)
        }
        for other in [Self.key + "x", nil, Self.key] {
            try expectErrors(
                server.answer(to: exchange(code, other)), 403, "auth_code_invalid", on: server)
        }
    }

    @Test func faultyKeyIsNamed() throws {
        let server = try ServerProcess.shared()
        let code = try server.newCode()
        try expectErrors(
            server.answer(to: exchange(code, "too short")), 400, "parameter_invalid", on: server)
        try expectToken(server.answer(to: exchange(code)))
    }

    @Test func eightUnderOneKeyGetOneToken() throws {
        try race(on: try ServerProcess.shared())
    }

    @Test func eightUnderOneKeyGetOneTokenOnDisk() throws {
        let store = try ProductionStore()
        try ServerProcess.with("--loops", "2", "--store", "sqlite:\(store.folder)/race.db") {
            try race(on: $0)
        }
    }

    private func race(on server: ServerProcess) throws {
        let connections = try (0..<8).map { _ in try server.connect() }
        for _ in 0..<300 {
            try connections[0].send(Call.makeCode().bytes)
            let code = try connections[0].readResponse().authorizationCode()
            let request = exchange(code, UUID().uuidString).bytes
            for connection in connections { try connection.send(request.dropLast()) }
            for connection in connections { try connection.send(request.suffix(1)) }
            let answers = try connections.map { try $0.readResponse() }
            #expect(answers.allSatisfy { $0.status == 201 })
            #expect(Set(answers.map(\.text)).count == 1)
        }
    }

    /// The answer was lost with the server; the next one finds the exchange in the file.
    @Test func killInBetweenCostsNothing() throws {
        let store = try ProductionStore()
        let flags = ["--loops", "1", "--store", "sqlite:\(store.folder)/kill.db"]
        let server = try ServerProcess(flags)
        let code = try server.newCode()
        let first = try server.answer(to: exchange(code))
        try expectToken(first)
        server.program.stop(SIGKILL)
        try ServerProcess.with(
            flags[0], flags[1], flags[2], flags[3], "--access-token-lifetime", "never"
        ) { next in
            let again = try next.answer(to: exchange(code))
            #expect(again.status == 201 && again.text == first.text)
            let replay = try next.answer(to: exchange(code, nil))
            try expectErrors(replay, 403, "auth_code_invalid", on: next)
        }
    }
}
