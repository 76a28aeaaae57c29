// Two stores on one database, as two machines would have them: who wins, and nobody waits for ever.

import Foundation
import StoreContract
import Testing
import Tokens

@testable import PostgresStore

extension OnPostgres {
    @Suite struct RaceTests {
        /// All under way at once, each code asked for by both stores several times.
        @Test func ofAllAttemptsOnBothMachinesOneWins() throws {
            var random = Seeded(state: seed())
            let rig = try Rig(stores: 2)
            defer { rig.closeOrRecord() }
            let codes = (0..<500).map { Rig.code($0) }
            try rig.insert(codes)
            var attempts = codes.flatMap { code in
                (0..<8).map { Rig.attempt(code, token: code.id.low * 8 + UInt64($0)) }
            }
            attempts.shuffle(using: &random)
            var won: [UInt64: Int] = [:]
            var answered = 0
            for (index, attempt) in attempts.enumerated() {
                rig.faces[index % 2].redeem(attempt) { result in
                    answered += 1
                    switch result {
                    case .success(.redeemed): won[attempt.code.low, default: 0] += 1
                    case .success(.refused(.used, _, _)): break
                    case .success(.refused), .success(.repeated), .failure:
                        Issue.record("\(result)")
                    }
                }
                if index % 97 == 0 { rig.wait() }
            }
            try rig.wait("all answers") { answered == attempts.count }
            #expect(won == Dictionary(uniqueKeysWithValues: codes.map { ($0.id.low, 1) }))
            // Each was replayed, so no token is left.
            #expect(try rig.session.number("SELECT count(*) FROM tokens") == 0)
            #expect(
                try rig.session.number("SELECT count(*) FROM codes WHERE token_digest IS NULL") == 0
            )
        }

        /// The same codes in opposite orders: sorted by their keys, batches do not wait for each other.
        @Test func oppositeOrdersMeetNoDeadlock() throws {
            let rig = try Rig(stores: 2)
            defer { rig.closeOrRecord() }
            for round in UInt64(0)..<30 {
                let codes = (0..<64).map { Rig.code(round * 64 + $0) }
                try rig.insert(codes)
                var answered = 0
                for (face, order) in [codes, codes.reversed()].enumerated() {
                    for code in order {
                        let token = code.id.low * 2 + UInt64(face)
                        rig.faces[face].redeem(Rig.attempt(code, token: token)) { result in
                            if case .failure = result { Issue.record("\(result)") }
                            answered += 1
                        }
                    }
                }
                try rig.wait("128 answers") { answered == 128 }
            }
            #expect(rig.databases.allSatisfy { $0.metrics.conflicts.value == 0 })
        }

        /// Somebody else holds rows in another order: the database ends one of the two, and the store goes
        /// back for it.
        @Test func deadlockIsRepeated() throws {
            let rig = try Rig()
            defer { rig.closeOrRecord() }
            let codes = (0..<2).map { Rig.code($0) }
            try rig.insert(codes)
            let other = try TestSession(schema: rig.schema)
            try other.run("SET deadlock_timeout = '10s'; BEGIN")
            try other.run("SELECT FROM codes ORDER BY digest LIMIT 0")
            let first = "issued_at = \(codes[1].id.issuedAt) AND digest = '\\x\(hex(codes[1].id))'"
            try other.run("UPDATE codes SET account = account WHERE \(first)")
            var outcomes: [Result<RedemptionOutcome, StoreError>] = []
            for (number, code) in codes.enumerated() {
                rig.faces[0].redeem(Rig.attempt(code, token: UInt64(number))) {
                    outcomes.append($0)
                }
            }
            // The batch has the first code and waits for the second.
            for _ in 0..<2000 { rig.wait() }
            let held = "issued_at = \(codes[0].id.issuedAt) AND digest = '\\x\(hex(codes[0].id))'"
            try other.run("UPDATE codes SET account = account WHERE \(held)")
            try other.run("COMMIT")
            try rig.wait("both answers") { outcomes.count == 2 }
            #expect(outcomes == [.success(.redeemed(state: "s")), .success(.redeemed(state: "s"))])
            #expect(rig.databases[0].metrics.conflicts.value >= 1)
        }

        /// A row that somebody holds fails its own exchange, after two seconds, and no other.
        @Test func heldRowFailsItsOwnExchangeOnly() throws {
            let rig = try Rig(timeoutMilliseconds: 20_000)
            defer { rig.closeOrRecord() }
            let codes = (0..<20).map { Rig.code($0) }
            try rig.insert(codes)
            let other = try TestSession(schema: rig.schema)
            try other.run(
                "BEGIN; UPDATE codes SET account = account WHERE digest = '\\x\(hex(codes[7].id))'")
            var outcomes: [Int: Result<RedemptionOutcome, StoreError>] = [:]
            for (number, code) in codes.enumerated() {
                rig.faces[0].redeem(Rig.attempt(code, token: UInt64(number))) {
                    outcomes[number] = $0
                }
            }
            try rig.wait("all answers") { outcomes.count == codes.count }
            for (number, outcome) in outcomes {
                #expect(
                    outcome
                        == (number == 7 ? .failure(.unavailable) : .success(.redeemed(state: "s"))))
            }
            try other.run("ROLLBACK")
            #expect(try rig.redeem(codes[7], token: 99) == .success(.redeemed(state: "s")))
        }

        private func hex(_ id: Identifier) -> String {
            Digest.of(id).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }

        /// One of the two does the work, nothing is removed twice, and all that has expired goes.
        @Test func twoStoresExpireAtOnce() throws {
            let rig = try Rig(stores: 2)
            defer { rig.closeOrRecord() }
            try rig.insert((0..<3000).map { Rig.code($0, at: Rig.start + Milliseconds($0)) })
            let young = Rig.start + 10_000_000
            try rig.insert([Rig.code(9000, at: young)])
            let now = Rig.start + 5_000_000
            for _ in 0..<40 {
                var answered = 0
                for face in rig.faces {
                    face.removeExpired(now: now) { result in
                        if case .failure = result { Issue.record("\(result)") }
                        answered += 1
                    }
                }
                try rig.wait("two answers") { answered == 2 }
            }
            #expect(try rig.session.number("SELECT count(*) FROM codes") == 1)
            #expect(try rig.session.number("SELECT max(issued_at) FROM codes") == Int(young))
        }
    }
}
