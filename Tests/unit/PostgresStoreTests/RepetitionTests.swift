// Repetitions under an idempotency key, where servers are cut off from the database: a token that was given
// to anybody stays, whoever had been answered 503 for it.

import CryptoForTests
import Foundation
import StoreContract
import Synchronization
import Testing

@testable import PostgresStore
@testable import Tokens

extension OnPostgres {
    @Suite struct RepetitionTests {
        private static let keyring = Keyring(
            SealingKey { bytes in for index in bytes.indices { bytes[index] = 5 } })

        /// Attempts at the same moment have the same token in mind.
        private func attempt(_ code: AuthorizationCode, at age: Milliseconds) -> Redemption {
            let now = code.id.issuedAt + age
            let text = [UInt8]("key-of-code-\(code.id.low)-and-no-other".utf8)
            let binding = ExchangeBinding(
                institution: code.institution, provider: code.provider, holder: nil)
            let uri = [UInt8]("https://www.google.com".utf8)
            let proof = IdempotencyKey(text.span, uri.span, Self.keyring.keys.map(\.exchangeHash))
                .proof(
                    SealedIdentifier(high: code.id.high, low: code.id.low),
                    Client.Tag(of: "client"),
                    binding, attempt: .random(in: 1...UInt64.max), window: StoreContract.lifetime)
            return Redemption(
                code: code.id, institution: code.institution, provider: code.provider,
                redirectURI: code.redirectURI, now: now, token: proof.token(issuedAt: now),
                tokenExpiresAt: nil, authorisation: .full, proof: proof)
        }

        private func redeem(
            _ rig: Rig, _ attempt: Redemption, face: Int
        ) throws -> Result<RedemptionOutcome, StoreError> {
            try rig.answer(face) { $0.redeem(attempt, completion: $1) }
        }

        /// The first server has answered 503, and undoes the exchange as soon as it can; meanwhile the second
        /// has given the token to whoever repeated it.
        @Test(arguments: [Milliseconds(0), 7], [true, false])
        func tokenThatWasGivenIsNotUndone(later: Milliseconds, isRepeated: Bool) throws {
            let rig = try Rig(stores: 2, timeoutMilliseconds: 1200)
            defer { rig.closeOrRecord() }
            let code = Rig.code(1)
            try rig.insert([code])
            try rig.session.run(
                """
                CREATE FUNCTION hinder() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                    IF NEW.token_digest IS NULL THEN RAISE EXCEPTION 'not yet'; END IF;
                    IF OLD.token_digest IS NULL THEN PERFORM pg_sleep(2); END IF;
                    RETURN NEW; END $$;
                CREATE TRIGGER hinder BEFORE UPDATE ON codes FOR EACH ROW EXECUTE FUNCTION hinder()
                """)
            let first = attempt(code, at: 5)
            #expect(try redeem(rig, first, face: 0) == .failure(.unavailable))
            try rig.wait("the commit") {
                try rig.session.number("SELECT count(*) FROM tokens") == 1
            }
            if isRepeated {
                let again = try redeem(rig, attempt(code, at: 5 + later), face: 1)
                guard case .success(.repeated(let exchange)) = again else {
                    return #expect(Bool(false), "\(again)")
                }
                #expect(exchange.token.id == first.token && exchange.state == "s")
            }
            try rig.session.run("DROP TRIGGER hinder ON codes")
            try rig.wait("the undoing") { rig.databases[0].metrics.undone.value == 1 }
            #expect((try rig.token(first, face: 1) != nil) == isRepeated)
            // Undone or not, whoever repeats it gets a token, and no other than before.
            let last = attempt(code, at: 50)
            switch try redeem(rig, last, face: 0) {
            case .success(.repeated(let exchange)):
                #expect(isRepeated && exchange.token.id == first.token)
            case .success(.redeemed):
                #expect(!isRepeated)
                #expect(try rig.token(last) != nil)
            case let other: Issue.record("\(other)")
            }
        }

        /// The reference case of a lost connection, with a key: the attempt recognises what it has done.
        @Test func attemptInDoubtIsTheFirst() throws {
            let rig = try Rig(timeoutMilliseconds: 20_000)
            defer { rig.closeOrRecord() }
            let codes = (0..<100).map { Rig.code($0) }
            try rig.insert(codes)
            let before = try rig.processes
            try rig.session.run(
                """
                CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
                    $$ BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END $$;
                CREATE TRIGGER slow AFTER UPDATE ON codes FOR EACH STATEMENT EXECUTE FUNCTION slow()
                """)
            var outcomes: [Result<RedemptionOutcome, StoreError>] = []
            for code in codes {
                rig.faces[0].redeem(attempt(code, at: 5)) { outcomes.append($0) }
            }
            for _ in 0..<20 { rig.wait() }
            let list = before.map(String.init).joined(separator: ",")
            try rig.session.run(
                "SELECT pg_terminate_backend(pid) FROM unnest(ARRAY[\(list)]::int[]) AS p(pid)")
            try rig.wait("all answers") { outcomes.count == codes.count }
            #expect(outcomes.allSatisfy { $0 == .success(.redeemed(state: "s")) }, "\(outcomes)")
            #expect(try rig.session.number("SELECT count(*) FROM tokens") == codes.count)
        }

        /// Asks for each code through both stores, again and again, until each has been told.
        private final class Crowd {
            let rig: Rig
            let attempt: (AuthorizationCode, Milliseconds) -> Redemption
            var tokens: [UInt64: Set<Identifier>] = [:]
            var (asked, told, unavailable, firsts) = (0, 0, 0, 0)
            private var waiting: [(AuthorizationCode, face: Int, age: Milliseconds)] = []

            init(
                _ rig: Rig, _ attempt: @escaping (AuthorizationCode, Milliseconds) -> Redemption
            ) {
                (self.rig, self.attempt) = (rig, attempt)
            }

            func begin(_ code: AuthorizationCode) {
                asked += 2
                rig.faces[0].insert(code) { [self] result in
                    guard case .success = result else {
                        asked -= 2
                        return
                    }
                    // In the same millisecond or not.
                    ask(code, 0, 5)
                    ask(code, 1, 5 + Milliseconds(code.id.low % 2))
                }
            }

            private func ask(_ code: AuthorizationCode, _ face: Int, _ age: Milliseconds) {
                let attempt = attempt(code, age)
                rig.faces[face].redeem(attempt) { [self] result in
                    switch result {
                    case .success(.redeemed):
                        (firsts, told) = (firsts + 1, told + 1)
                        tokens[code.id.low, default: []].insert(attempt.token)
                    case .success(.repeated(let exchange)):
                        told += 1
                        tokens[code.id.low, default: []].insert(exchange.token.id)
                    case .success(.refused):
                        told += 1
                        Issue.record("\(code.id.low) through \(face): \(result)")
                    case .failure:
                        unavailable += 1
                        waiting.append((code, face, age + 20))
                    }
                }
            }

            func askAgain() {
                let again = waiting
                waiting = []
                for (code, face, age) in again { ask(code, face, age) }
            }
        }

        /// Connections are ended all the time. Nobody is refused, and all are told the same token.
        @Test func everybodyUnderOneKeyGetsOneTokenWhateverHappens() throws {
            var chance = Seeded(state: seed())
            let rig = try Rig(stores: 2, timeoutMilliseconds: 1000)
            defer { rig.closeOrRecord() }
            let crowd = Crowd(rig) { attempt($0, at: $1) }
            let end = ContinuousClock.now + .seconds(6)
            var (number, kills): (UInt64, Int) = (0, 0)
            while ContinuousClock.now < end {
                for _ in 0..<10 {
                    crowd.begin(Rig.code(number))
                    number += 1
                }
                for _ in 0..<20 { rig.wait() }
                crowd.askAgain()
                if Int.random(in: 0..<6, using: &chance) == 0 {
                    let list = try rig.processes.map(String.init).joined(separator: ",")
                    try rig.session.run(
                        "SELECT pg_terminate_backend(pid) FROM unnest(ARRAY[\(list)]::int[]) AS p(pid)"
                    )
                    kills += 1
                }
            }
            let patience = ContinuousClock.now + .seconds(15)
            while crowd.told < crowd.asked, ContinuousClock.now < patience {
                for _ in 0..<50 { rig.wait() }
                crowd.askAgain()
            }
            print(
                "\(crowd.asked) asked, \(crowd.firsts) first, \(crowd.unavailable) times 503, \(kills) kills"
            )
            #expect(crowd.told == crowd.asked && kills > 5)
            #expect(crowd.tokens.values.allSatisfy { $0.count == 1 })
            let lost = try crowd.tokens.values.flatMap { $0 }.filter { id in
                let found: Result<AccessToken?, StoreError> = try rig.answer(0) {
                    $0.token(id, now: Rig.start, completion: $1)
                }
                return try found.get() == nil
            }
            #expect(lost.isEmpty, "tokens that were given are gone")
        }
    }
}
