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

        private func restore(_ rig: Rig) {
            do {
                try rig.session.run("ALTER SYSTEM RESET synchronous_standby_names")
                try rig.session.run("SELECT pg_reload_conf()")
            } catch { Issue.record(error) }
        }
    }
}
