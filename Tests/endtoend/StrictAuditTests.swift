// With --audit strict no success leaves before its line is on disk: a kill loses no line of one.

import Foundation
import Glibc
import Synchronization
import Testing

@Suite struct StrictAuditTests {
    @Test func strictNeedsALog() throws {
        let outcome = try ChildProcess.run(
            ChildProcess.binary.path,
            [
                "serve", "--store", "memory", "--audit", "strict", "--listen", "127.0.0.1:0",
                "--admin-listen", "127.0.0.1:0",
            ])
        #expect(outcome.status == 64 && outcome.errors.contains("--audit-log"))
    }

    /// Each answer that was received has its line, whenever the kill comes.
    @Test(arguments: 0..<3)
    func killLosesNoLineOfASuccess(round: Int) throws {
        let store = try ProductionStore()
        let log = "\(store.folder)/audit"
        let server = try ServerProcess(
            ["--loops", "2", "--audit-log", log, "--audit", "strict"] + store.option)
        let received = Mutex<Set<String>>([])
        let clients = (0..<6).map { _ in
            let thread = Thread {
                do {
                    let connection = try server.connect()
                    while true {
                        var code = ""
                        for step in 0..<2 {
                            let call = step == 0 ? Call.makeCode() : .exchange(code)
                            try connection.send(call.bytes)
                            let answer = try connection.readResponse()
                            guard answer.status == 201, let id = answer["X-Request-Id"] else {
                                Issue.record("\(answer.status): \(answer.text)")
                                return
                            }
                            received.withLock { _ = $0.insert(id) }
                            if step == 0 { code = try answer.authorizationCode() }
                        }
                    }
                } catch {}  // The server is gone.
            }
            thread.start()
            return thread
        }
        for _ in 0..<20_000 where received.withLock({ $0.count }) < 200 * (round + 1) {
            usleep(1_000)
        }
        server.program.stop(SIGKILL)
        while clients.contains(where: { !$0.isFinished }) { usleep(1_000) }
        let ids = received.withLock { $0 }
        #expect(ids.count >= 20)
        let text = try String(contentsOfFile: log, encoding: .utf8)
        let lines = Set(text.matches(of: /"request_id":"([0-9a-f]{32})"/).map { String($0.1) })
        #expect(ids.subtracting(lines).isEmpty, "of \(ids.count)")
    }

    /// The loops end only when nobody waits any more.
    @Test func orderlyEndLosesNothingEither() throws {
        let store = try ProductionStore()
        let log = "\(store.folder)/audit"
        let server = try ServerProcess(
            ["--audit-log", log, "--audit", "strict"] + store.option)
        let code = try server.newCode()
        let answer = try server.answer(to: .exchange(code))
        server.program.stop(SIGTERM)
        #expect(server.program.exitStatus() == 0)
        let text = try String(contentsOfFile: log, encoding: .utf8)
        #expect(text.contains(try #require(answer["X-Request-Id"])))
        #expect(text.contains("\"stopped\""))
    }
}
