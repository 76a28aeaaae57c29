// What `serve` writes to stderr: lines for programs and for people, and nobody waits for their reader.

import Foundation
import Glibc
import Testing

@Suite struct LogTests {
    private static let trace = "0af7651916cd43dd8448eb211c80319c"
    private static let traceparent = "00-\(trace)-b7ad6b7169203331-01"

    private func objects(_ server: ServerProcess) throws -> [[String: Any]] {
        try server.program.errorLines.map { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
            return try #require(object as? [String: Any], "\(line)")
        }
    }

    private func waitFor(_ word: String, _ server: ServerProcess) {
        for _ in 0..<500 where !server.program.errorOutput.contains(word) { usleep(10_000) }
    }

    @Test func everyLineIsAnObjectWithTimeLevelAndMessage() throws {
        let server = try ServerProcess(["--access-log"])
        let bank = Bank(server: server)
        #expect(try bank.answer(bank.exchange(bank.newCode())).status == 201)
        server.program.stop(SIGTERM)
        let lines = try objects(server)
        for line in lines {
            let time = try #require(line["time"] as? String)
            #expect(time.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil)
            #expect(["debug", "info", "warning", "error"].contains(line["level"] as? String))
            #expect((line["message"] as? String)?.isEmpty == false)
        }
        let messages = lines.compactMap { $0["message"] as? String }
        #expect(messages.contains { $0.hasPrefix("SANDBOX") })
        #expect(messages.contains { $0.hasPrefix("listening on \(server.origin)") })
        #expect(messages.contains { $0.hasPrefix("stopping") } && messages.last == "stopped")
        #expect(messages.filter { $0 == "answered" }.count == 2)
    }

    @Test func accessLogSaysWhoAskedWhatAndHowItWent() throws {
        let server = try ServerProcess(["--access-log"])
        defer { server.program.stop(SIGTERM) }
        let call = Call.exchange("no-code").setting("traceparent", Self.traceparent)
            .setting("X-Request-Id", "request-1")
        let answer = try server.answer(to: call)
        #expect(answer.status == 403)
        let error = try #require((try answer.json()["errors"] as? [[String: String]])?.first)
        waitFor("request-1", server)
        let line = try #require(
            try objects(server).first { $0["message"] as? String == "answered" })
        #expect(line["method"] as? String == "POST")
        #expect(line["route"] as? String == "/v1/obie/tokens")
        #expect(line["status"] as? Int == 403)
        #expect((line["duration_ms"] as? Double).map { $0 >= 0 && $0 < 10_000 } == true)
        #expect((line["bytes"] as? Int).map { $0 > 200 } == true)
        #expect(line["errors"] as? String == "auth_code_invalid")
        #expect(line["error_ids"] as? String == error["id"])
        #expect(line["client"] as? String == "api-consumer-id")
        #expect(line["fi"] as? String == "PSDGB-FCA-111111")
        #expect(line["peer"] as? String == "127.0.0.1")
        #expect(line["request_id"] as? String == "request-1")
        #expect(line["trace_id"] as? String == Self.trace)
        #expect(line["parent_id"] as? String == "b7ad6b7169203331")
    }

    /// Neither what is in a path nor who could not prove who it is.
    @Test func accessLogHoldsNothingThatWasNotProven() throws {
        let server = try ServerProcess(["--access-log", "--log-format", "text"])
        defer { server.program.stop(SIGTERM) }
        #expect(try server.answer(to: Call("GET", "/secret-in-a-path?secret=1")).status == 404)
        let stranger = Call.exchange("secret-code").setting(
            "Authorization", "Basic c2VjcmV0OnNlY3JldA=="
        )
        .setting("X-Request-Id", "not visible: secret")
        #expect(try server.answer(to: stranger).status == 401)
        // Each loop hands its lines over at the end of its turn.
        waitFor("status=404", server)
        waitFor("status=401", server)
        let lines = server.program.errorLines.filter { $0.contains("answered") }
        #expect(lines.count == 2)
        for line in lines {
            #expect(line.hasPrefix("obie-tokens: answered method="))
            #expect(!line.contains("secret") && !line.contains("c2VjcmV0"))
        }
        #expect(lines.contains { $0.contains("route=other status=404") })
    }

    @Test func accessLogIsOffByDefaultAndTurnedOnByReloading() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try "access-log = no\n".write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        let server = try ServerProcess(["--config", file.path])
        defer { server.program.stop(SIGTERM) }
        #expect(try server.isServing())
        try "access-log = yes\nlog-level = error\n".write(
            to: file, atomically: true, encoding: .utf8)
        server.program.send(SIGHUP)
        waitFor("access-log is yes now", server)
        #expect(!server.program.errorOutput.contains("answered"))
        // On the very connection that was there before.
        #expect(try server.isServing())
        waitFor("answered", server)
        #expect(server.program.errorOutput.contains("answered"))
    }

    /// A server whose log is a pipe, which is read to the line that says where it listens and then
    /// left alone.
    private final class Unread {
        let process: ChildProcess
        let pipe = Pipe()
        let said: String
        let port: UInt16

        init() throws {
            process = try ChildProcess(
                ChildProcess.binary.path,
                [
                    "serve", "--store", "memory", "--listen", "127.0.0.1:0", "--admin-listen",
                    "127.0.0.1:0", "--access-log", "--loops", "1",
                ], errors: pipe.fileHandleForWriting.fileDescriptor)
            // Else its end would not be seen.
            try pipe.fileHandleForWriting.close()
            var said = ""
            while !said.contains("event loop") {
                said += String(decoding: pipe.fileHandleForReading.availableData, as: UTF8.self)
            }
            guard let found = said.firstMatch(of: /listening on http:\/\/127.0.0.1:(\d+)/),
                let port = UInt16(found.1)
            else { throw StartTimeout(output: said) }
            (self.said, self.port) = (said, port)
        }

        deinit { process.send(SIGKILL) }

        func ask(_ count: Int) throws {
            let connection = try HTTPConnection(port: port)
            let requests = (0..<100).flatMap { _ in Call("GET", "/healthz").bytes }
            for _ in 0..<count / 100 {
                try connection.send(requests)
                for _ in 0..<100 { #expect(try connection.readResponse().status == 200) }
            }
        }
    }

    /// Requests are answered all the same, and what was lost is counted.
    @Test func nobodyWaitsForAReaderOfTheLog() throws {
        let server = try Unread()
        let count = 10_000
        try server.ask(count)
        server.process.send(SIGTERM)
        // Now somebody reads to the end.
        var rest = server.said
        while true {
            let data = server.pipe.fileHandleForReading.availableData
            if data.isEmpty { break }
            rest += String(decoding: data, as: UTF8.self)
        }
        #expect(server.process.exitStatus() == 0)
        let lost = try #require(rest.firstMatch(of: /(\d+) lines of the log were lost/))
        let answered = rest.split(separator: "\n").filter { $0.contains("answered") }.count
        #expect(answered > 1000)
        #expect(try #require(Int(lost.1)) + answered >= count)
    }

    /// A pipe that stays full must not keep the process for long.
    @Test func endDoesNotWaitForAReaderOfTheLog() throws {
        let server = try Unread()
        try server.ask(3000)
        let began = Date()
        server.process.send(SIGTERM)
        #expect(server.process.exitStatus() == 0)
        #expect(Date().timeIntervalSince(began) < 8)
    }

    @Test func auditLogHasTheTrace() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "audit").path
        try ServerProcess.with("--audit-log", file) { (server) throws in
            let call = Call.exchange("no-code").setting("traceparent", Self.traceparent)
                .setting("X-Request-Id", "request-1")
            #expect(try server.answer(to: call).status == 403)
        }
        let text = try String(contentsOfFile: file, encoding: .utf8)
        #expect(text.contains(#""request_id":"request-1","trace_id":"\#(Self.trace)""#))
        #expect(
            try ChildProcess.run(ChildProcess.binary.path, ["audit", "verify", file]).status == 0)
    }

    /// An error that ends the start is one line, in the form that was asked for.
    @Test func startThatFailsSaysSoInTheSameForm() throws {
        let port = try ServerProcess.shared().port
        for (format, opening) in [("json", "{"), ("text", "obie-tokens: error: ")] {
            let outcome = try ChildProcess.run(
                ChildProcess.binary.path,
                [
                    "serve", "--store", "memory", "--log-format", format, "--listen",
                    "127.0.0.1:\(port)", "--admin-listen", "127.0.0.1:0",
                ])
            #expect(outcome.status == 71)
            let lines = outcome.errors.split(separator: "\n")
            #expect(
                lines.count == 1 && lines.first?.hasPrefix(opening) == true, "\(outcome.errors)")
        }
    }
}
