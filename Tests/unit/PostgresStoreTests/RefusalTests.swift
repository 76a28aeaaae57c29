// A database that answers, and refuses what requests need: that is said, and no client should come, though
// what the store tries by itself works all the while.

import Foundation
import Testing
import Tokens

@testable import PostgresStore

extension OnPostgres {
    @Suite struct RefusalTests {
        @Test(arguments: [
            ("ALTER TABLE tokens RENAME TO elsewhere", "ALTER TABLE elsewhere RENAME TO tokens"),
            (
                "ALTER TABLE codes RENAME COLUMN consent TO consents",
                "ALTER TABLE codes RENAME COLUMN consents TO consent"
            ),
        ])
        func refusalIsToldAndCounts(breaks: String, mends: String) throws {
            let rig = try Rig()
            defer { rig.closeOrRecord() }
            try rig.wait("the store") { rig.databases[0].isAvailable }
            let code = Rig.code(1)
            var results: [Result<RedemptionOutcome, StoreError>] = []
            var isStored = false
            rig.faces[0].insert(code) { _ in isStored = true }
            try rig.wait("the code") { isStored }
            try rig.session.run(breaks)
            rig.faces[0].redeem(Rig.attempt(code, token: 1)) { results.append($0) }
            try rig.wait("the refusal") { results.count == 1 && !rig.databases[0].isAvailable }
            #expect(results == [.failure(.unavailable)])
            // The store's own questions are answered, and change nothing about it.
            func pass(seconds: Double) {
                let later = Date(timeIntervalSinceNow: seconds)
                while Date() < later { rig.wait() }
            }
            pass(seconds: 1)
            #expect(!rig.databases[0].isAvailable)
            let told = rig.lines.texts.filter { $0.contains("the database refuses") }
            #expect(told.count == 1 && told[0].contains("does not exist"), "\(rig.lines.texts)")
            // A balancer that sends nothing must hear that it may be over, but not again and again.
            try rig.wait("clients to be let in again") { rig.databases[0].isAvailable }
            rig.faces[0].redeem(Rig.attempt(code, token: 3)) { results.append($0) }
            try rig.wait("the second refusal") { results.count == 2 }
            pass(seconds: 3)
            #expect(!rig.databases[0].isAvailable, "twice as long")
            try rig.session.run(mends)
            rig.faces[0].redeem(Rig.attempt(code, token: 2)) { results.append($0) }
            try rig.wait("the mended store") { results.count == 3 && rig.databases[0].isAvailable }
            #expect(results.last == .success(.redeemed(state: "s")))
            #expect(rig.lines.texts.last?.contains("answers again") == true)
        }
    }
}
