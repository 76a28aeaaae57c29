// The contract of all stores, on a real PostgreSQL, and what its batches must not do to each other.

import StoreContract
import Testing
import Tokens

@testable import PostgresStore

extension OnPostgres {
    @Suite struct ContractTests {
        /// Two stores stand for two machines on one database.
        @Test(arguments: StoreContract.rules.map(\.name), [(1, 1), (2, 1), (1, 2)])
        func postgresStoreKeepsTheContract(rule: String, shape: (faces: Int, stores: Int)) throws {
            let run = try #require(StoreContract.rules.first { $0.name == rule }?.run)
            var rigs: [Rig] = []
            defer { for rig in rigs { rig.closeOrRecord() } }
            try run(
                StoreContract(wait: { rigs.last?.wait() }) {
                    let rig = try Rig(faces: shape.faces, stores: shape.stores)
                    rigs.append(rig)
                    return rig.faces
                })
        }

        @Test(arguments: [nil, "", "s", "\"\\\u{0}\u{1}é😀"])
        func textsComeBackAsTheyWere(text: String?) throws {
            let rig = try Rig()
            defer { rig.closeOrRecord() }
            let code = Rig.code(1, consent: text ?? "", state: text)
            try rig.insert([code])
            let attempt = Rig.attempt(code, token: 1)
            #expect(try rig.redeem(code, token: 1) == .success(.redeemed(state: text)))
            #expect(try rig.token(attempt)?.consent == code.consent)
        }

        /// A NUL would fail a batch of texts.
        @Test func nulBytesOfOneFailNobody() throws {
            let rig = try Rig()
            defer { rig.closeOrRecord() }
            let codes = (0..<200).map {
                Rig.code(
                    $0, consent: $0 % 7 == 0 ? "\u{0}" : nil, state: $0 % 5 == 0 ? "\u{0}" : "s")
            }
            try rig.insert(codes)
            for code in codes {
                let outcome = try rig.redeem(code, token: code.id.low + 1000)
                #expect(outcome == .success(.redeemed(state: code.state)))
            }
        }

        /// The database refuses what one of them brings; the others of its batch do not notice.
        @Test func badRowOfOneFailsNobodyElse() throws {
            let rig = try Rig()
            defer { rig.closeOrRecord() }
            try rig.session.run("ALTER TABLE codes ADD CHECK (consent <> 'bad'::bytea)")
            var answers: [Int: Bool] = [:]
            for number in 0..<50 {
                let code = Rig.code(UInt64(number), consent: number == 20 ? "bad" : "good")
                rig.faces[0].insert(code) { result in
                    if case .success = result {
                        answers[number] = true
                    } else {
                        answers[number] = false
                    }
                }
            }
            try rig.wait("50 answers") { answers.count == 50 }
            #expect(answers.filter { !$0.value }.map(\.key) == [20])
        }

        @Test func turnsLargerThanABatchAreAnswered() throws {
            let rig = try Rig()
            defer { rig.closeOrRecord() }
            let codes = (0..<2500).map { Rig.code($0) }
            try rig.insert(codes)
            #expect(try rig.session.number("SELECT count(*) FROM codes") == 2500)
            #expect(rig.databases[0].summary != nil)
        }
    }
}

extension Rig {
    func closeOrRecord() {
        do { try close() } catch { Issue.record(error) }
    }
}
