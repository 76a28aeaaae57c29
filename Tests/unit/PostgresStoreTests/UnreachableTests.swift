// A database that is not there: requests are answered all the same, and the end is no wait.

import Glibc
import Testing
import Tokens
import UV

@testable import PostgresStore

@Suite struct UnreachableTests {
    @Test(arguments: ["127.0.0.1", "nobody.invalid"])
    func requestsAreRefusedInTime(host: String) throws {
        let lines = Rig.Lines()
        let database = try PostgresDatabase(
            hosts: [[("host", host), ("port", "1"), ("user", "x"), ("dbname", "x")]],
            nodeID: [1], timeoutMilliseconds: 300
        ) { lines.add($0) }
        let loop = try EventLoop()
        let face = try database.face(loop)
        let began = ContinuousClock.now
        var errors: [StoreError] = []
        func note<Value>(_ result: Result<Value, StoreError>) {
            if case .failure(let error) = result { errors.append(error) }
        }
        let code = Rig.code(1)
        face.insert(code, completion: note)
        face.redeem(Rig.attempt(code, token: 1), completion: note)
        face.token(code.id, now: 5, completion: note)
        face.removeExpired(now: 5, completion: note)
        while errors.count < 4, ContinuousClock.now - began < .seconds(10) {
            loop.runOnce()
            usleep(1000)
        }
        #expect(errors == [.unavailable, .unavailable, .unavailable, .unavailable])
        #expect(ContinuousClock.now - began >= .milliseconds(300))
        while lines.texts.isEmpty, ContinuousClock.now - began < .seconds(10) { usleep(1000) }
        #expect(lines.texts.first?.contains(host) == true, "\(lines.texts)")
        #expect(!face.isAvailable && !database.isStuck(longerThan: 5000))
        face.close()
        loop.run()
        let closing = ContinuousClock.now
        database.close()
        #expect(ContinuousClock.now - closing < .seconds(5))
    }
}
