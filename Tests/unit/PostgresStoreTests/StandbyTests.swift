// Commits that wait for a standby that is not there, and what becomes of them when somebody cancels the
// wait: they stand on one machine only. The tests change a setting of the whole database server.

import Foundation
import StoreContract
import Testing
import Tokens

@testable import PostgresStore

extension OnPostgres {
    @Suite struct StandbyTests {
        private func require(_ standby: String, _ rig: Rig) throws {
            try rig.session.run("SET synchronous_commit = off")
            try rig.session.run("ALTER SYSTEM SET synchronous_standby_names = '\(standby)'")
            try rig.session.run("SELECT pg_reload_conf()")
            // The server's processes read it when they next have nothing to do.
            for _ in 0..<2000 { rig.wait() }
        }

        private func waiting(_ rig: Rig) throws -> String {
            """
            FROM pg_stat_activity WHERE application_name = '\(rig.schema)' AND wait_event = 'SyncRep'
            """
        }

        /// Success with a warning is no success.
        @Test func cancelledWaitIsRepeatedUntilTheStandbyHasIt() throws {
            let rig = try Rig(timeoutMilliseconds: 20_000)
            defer { rig.closeOrRecord() }
            let codes = (0..<20).map { Rig.code($0) }
            try rig.insert(codes)
            try require("nobody", rig)
            defer { restore(rig) }
            var outcomes: [Result<RedemptionOutcome, StoreError>] = []
            for (number, code) in codes.enumerated() {
                rig.faces[0].redeem(Rig.attempt(code, token: UInt64(number))) {
                    outcomes.append($0)
                }
            }
            let metrics = rig.databases[0].metrics
            for round in 1...3 {
                try rig.wait("a wait") {
                    try rig.session.number("SELECT count(*) \(try waiting(rig))") > 0
                }
                try rig.session.run("SELECT pg_cancel_backend(pid) \(try waiting(rig))")
                try rig.wait("doubt \(round)") { metrics.uncertain.value >= 20 * round }
                #expect(outcomes.isEmpty)
            }
            restore(rig)
            try rig.wait("all answers") { outcomes.count == codes.count }
            #expect(outcomes.allSatisfy { $0 == .success(.redeemed(state: "s")) }, "\(outcomes)")
            #expect(try rig.session.number("SELECT count(*) FROM tokens") == codes.count)
        }

        /// Nobody cancels it: 503 after the time-out, and undone when the standby is back.
        @Test func endlessWaitIsAnswered503AndUndone() throws {
            let rig = try Rig(timeoutMilliseconds: 1000)
            defer { rig.closeOrRecord() }
            let codes = (0..<20).map { Rig.code($0) }
            try rig.insert(codes)
            try require("nobody", rig)
            defer { restore(rig) }
            var outcomes: [Result<RedemptionOutcome, StoreError>] = []
            for (number, code) in codes.enumerated() {
                rig.faces[0].redeem(Rig.attempt(code, token: UInt64(number))) {
                    outcomes.append($0)
                }
            }
            try rig.wait("all answers") { outcomes.count == codes.count }
            #expect(outcomes.allSatisfy { $0 == .failure(.unavailable) })
            // Long enough for the connection to be closed and the process behind it to be ended.
            try rig.wait("the next connection") { rig.databases[0].metrics.reconnects.value > 1 }
            #expect(!rig.databases[0].isAvailable)
            restore(rig)
            try rig.wait("the undoing") { rig.databases[0].metrics.undone.value == codes.count }
            try rig.wait("the recovery") { rig.databases[0].isAvailable }
            for code in codes {
                let outcome = try rig.redeem(code, token: code.id.low + 1000)
                #expect(outcome == .success(.redeemed(state: "s")))
            }
        }

        /// A replay and a revocation that find nothing to do rest on what another has done, whose wait was
        /// cancelled: a fail-over could take that back, and the token would be alive again.
        @Test func answerThatRestsOnACancelledWaitWaitsItself() throws {
            let rig = try Rig(timeoutMilliseconds: 20_000)
            defer { rig.closeOrRecord() }
            let code = Rig.code(1)
            try rig.insert([code])
            #expect(try rig.redeem(code, token: 1) == .success(.redeemed(state: "s")))
            let token = Rig.attempt(code, token: 1).token
            try require("nobody", rig)
            defer { restore(rig) }
            var answers: [String] = []
            rig.faces[0].redeem(Rig.attempt(code, token: 2)) { _ in answers.append("the replay") }
            try rig.wait("its wait") {
                try rig.session.number("SELECT count(*) \(try waiting(rig))") > 0
            }
            // What waits may also be the store's own test of the database.
            try rig.wait("the token's end") {
                try rig.session.run("SELECT pg_cancel_backend(pid) \(try waiting(rig))")
                return try rig.session.number("SELECT count(*) FROM tokens") == 0
            }
            rig.faces[0].redeem(Rig.attempt(code, token: 3)) { _ in answers.append("a second one") }
            rig.faces[0].revoke([token], of: [code.institution]) { _ in
                answers.append("a revocation")
            }
            for _ in 0..<50 {
                try rig.session.run("SELECT pg_cancel_backend(pid) \(try waiting(rig))")
                for _ in 0..<100 { rig.wait() }
            }
            #expect(answers.isEmpty)
            restore(rig)
            try rig.wait("all answers") { answers.count == 3 }
        }

        private func restore(_ rig: Rig) {
            do {
                try rig.session.run("ALTER SYSTEM RESET synchronous_standby_names")
                try rig.session.run("SELECT pg_reload_conf()")
            } catch { Issue.record(error) }
        }
    }
}
