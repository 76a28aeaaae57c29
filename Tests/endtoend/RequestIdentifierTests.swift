// X-Request-Id: on every answer, and the same in the access log and the audit log.

import Foundation
import Glibc
import Testing

@Suite struct RequestIdentifierTests {
    private static let name = "X-Request-Id"

    @Test(arguments: ["r", "a-Proxy's:id/7", String(repeating: "~", count: 128)])
    func identifierIsEchoedAsGiven(identifier: String) throws {
        let server = try ServerProcess.shared()
        for (status, call) in try InteractionIdentifierTests.calls() {
            let response = try server.answer(to: call.adding(Self.name, identifier))
            #expect(response.status == status)
            #expect(response.values(Self.name) == [identifier], "\(status)")
        }
    }

    @Test(arguments: ["", "two words", String(repeating: "x", count: 129), "é"])
    func anotherIsReplacedByOneOfOurs(identifier: String) throws {
        let server = try ServerProcess.shared()
        var seen = Set<String>()
        let calls = try InteractionIdentifierTests.calls()
        for (status, call) in calls {
            let response = try server.answer(to: call.adding(Self.name, identifier))
            #expect(response.status == status)
            seen.formUnion(response.values(Self.name))
        }
        #expect(seen.count == calls.count, "each has its own")
        #expect(seen.allSatisfy { $0.wholeMatch(of: /[0-9a-f]{32}/) != nil })
    }

    /// From an answer to its lines, whatever came of the request.
    @Test func answerIsFoundInBothLogs() throws {
        let folder = NSTemporaryDirectory() + "obie-request-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let log = "\(folder)/audit"
        let server = try ServerProcess(["--access-log", "--audit-log", log])
        defer { server.program.stop(SIGKILL) }
        let code = try server.newCode()
        let answers = [
            try server.answer(to: .exchange(code)), try server.answer(to: .exchange(code)),
            try server.answer(toRaw: "GET / HTTP/1.1\r\n\r\n"),
            try server.answer(to: .exchange(code).removing("Authorization")),
            try server.answer(to: .exchange(code).setting(Self.name, #"mi"n\e"#)),
        ]
        #expect(answers.map(\.status) == [201, 403, 400, 401, 403])
        server.program.stop(SIGTERM)
        let audited = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
        for answer in answers {
            let id = try #require(answer[Self.name])
            let escaped = id.replacing(#"\"#, with: #"\\"#).replacing(#"""#, with: #"\""#)
            let member = #""request_id":"\#(escaped)""#
            let lines = audited.filter { $0.contains(member) }
            #expect(lines.count == 1, "\(answer.status)")
            #expect(lines.first?.contains(#""peer":"127.0.0.1""#) == true)
            let answered = server.program.errorLines.filter { $0.contains(member) }
            #expect(answered.count == 1 && answered[0].contains(#""status":\#(answer.status)"#))
        }
    }
}
