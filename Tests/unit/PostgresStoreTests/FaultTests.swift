// Connections that are lost under load, and servers that do not answer: what was acknowledged is there,
// nothing is spent twice, and what was answered 503 is undone.

import Foundation
import StoreContract
import Testing
import Tokens

@testable import PostgresStore

extension OnPostgres {
    @Suite struct FaultTests {
        /// The server ends connections all the time. Each exchange is repeated with the same token, and
        /// recognised: nobody is refused a code that is good.
        @Test func lostConnectionsLoseNothing() throws {
            let rig = try Rig(faces: 2, timeoutMilliseconds: 20_000)
            defer { rig.closeOrRecord() }
            var redeemed: [UInt64] = []
            var asked = 0
            let end = ContinuousClock.now + .seconds(6)
            var kills = 0
            var number: UInt64 = 0
            while ContinuousClock.now < end {
                // A busy machine must have answered all of them in time.
                for _ in 0..<20 where asked - redeemed.count < 2000 {
                    let code = Rig.code(number)
                    number += 1
                    asked += 1
                    let face = rig.faces[Int(number % 2)]
                    face.insert(code) { result in
                        guard case .success = result else {
                            Issue.record("\(result)")
                            return
                        }
                        face.redeem(Rig.attempt(code, token: code.id.low)) { result in
                            guard result == .success(.redeemed(state: "s")) else {
                                Issue.record("\(code.id.low): \(result)")
                                return
                            }
                            redeemed.append(code.id.low)
                        }
                    }
                }
                for _ in 0..<20 { rig.wait() }
                if Int.random(in: 0..<4) == 0 {
                    try rig.session.run(
                        "SELECT pg_terminate_backend(pid) FROM unnest(ARRAY[\(try rig.processes.map(String.init).joined(separator: ","))]::int[]) AS p(pid)"
                    )
                    kills += 1
                }
            }
            try rig.wait("all answers") { redeemed.count == asked }
            print("\(asked) exchanges, \(kills) kills, \(rig.databases[0].summary ?? "")")
            #expect(kills > 20)
            #expect(rig.databases[0].metrics.reconnects.value > 20)
            #expect(try rig.session.number("SELECT count(*) FROM tokens") == redeemed.count)
            #expect(
                try rig.session.number(
                    """
                    SELECT count(*) FROM codes c LEFT JOIN tokens t
                        ON t.issued_at = c.token_issued_at AND t.digest = c.token_digest
                    WHERE t.digest IS NULL
                    """) == 0)
        }

        /// The server takes an exchange and says nothing: 503, and then the code is good again.
        @Test func silentServerIsAnswered503AndUndone() throws {
            let rig = try Rig(timeoutMilliseconds: 1200)
            defer { rig.closeOrRecord() }
            let codes = (0..<20).map { Rig.code($0) }
            try rig.insert(codes)
            // Whoever commits waits for a standby that is not there; the rows are changed by then.
            try rig.session.run(
                """
                CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
                    $$ BEGIN PERFORM pg_sleep(2); RETURN NULL; END $$;
                CREATE TRIGGER slow AFTER UPDATE ON codes FOR EACH STATEMENT EXECUTE FUNCTION slow()
                """)
            var outcomes: [Result<RedemptionOutcome, StoreError>] = []
            for (number, code) in codes.enumerated() {
                rig.faces[0].redeem(Rig.attempt(code, token: UInt64(number))) {
                    outcomes.append($0)
                }
            }
            try rig.wait("all answers") { outcomes.count == codes.count }
            #expect(outcomes.allSatisfy { $0 == .failure(.unavailable) }, "\(outcomes)")
            // As long as it is not undone, nobody is told that the code is used.
            let early = try rig.redeem(codes[0], token: 500)
            #expect(early == .failure(.unavailable))
            try rig.session.run("DROP TRIGGER slow ON codes")
            try rig.wait("the undoing") { rig.databases[0].metrics.undone.value == codes.count }
            #expect(try rig.session.number("SELECT count(*) FROM tokens") == 0)
            for code in codes {
                let outcome = try rig.redeem(code, token: code.id.low + 1000)
                #expect(outcome == .success(.redeemed(state: "s")))
            }
        }

        /// As if somebody else held the row of one of them.
        @Test func oneThatCannotBeUndoneHoldsUpNoOther() throws {
            let rig = try Rig(timeoutMilliseconds: 1200)
            defer { rig.closeOrRecord() }
            let codes = (0..<20).map { Rig.code($0) }
            try rig.insert(codes)
            try rig.session.run(
                """
                CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                    IF NEW.token_digest IS NULL THEN
                        IF OLD.digest = (SELECT digest FROM codes ORDER BY digest LIMIT 1) THEN
                            RAISE EXCEPTION 'held' USING ERRCODE = '55P03';
                        END IF;
                    ELSIF current_setting('x.slept', true) IS DISTINCT FROM txid_current()::text
                    THEN PERFORM pg_sleep(2), set_config('x.slept', txid_current()::text, true);
                    END IF; RETURN NEW; END $$;
                CREATE TRIGGER slow BEFORE UPDATE ON codes FOR EACH ROW EXECUTE FUNCTION slow()
                """)
            var answered = 0
            for (number, code) in codes.enumerated() {
                rig.faces[0].redeem(Rig.attempt(code, token: UInt64(number))) { _ in answered += 1 }
            }
            try rig.wait("all answers") { answered == codes.count }
            try rig.wait("the others") {
                rig.databases[0].metrics.undone.value == codes.count - 1
            }
            try rig.session.run("DROP TRIGGER slow ON codes")
            try rig.wait("the last one") { rig.databases[0].metrics.undone.value == codes.count }
        }

        /// A server process that stands still is not heard of for three seconds. It could go on later, so the
        /// next connection ends it first.
        @Test func processThatStandsStillDoesNothingLater() throws {
            let rig = try Rig(timeoutMilliseconds: 2000)
            defer { rig.closeOrRecord() }
            let codes = (0..<50).map { Rig.code($0) }
            try rig.insert(codes)
            let stopped = try rig.processes
            for process in stopped { kill(pid_t(process), SIGSTOP) }
            var outcomes: [Result<RedemptionOutcome, StoreError>] = []
            for (number, code) in codes.enumerated() {
                rig.faces[0].redeem(Rig.attempt(code, token: UInt64(number))) {
                    outcomes.append($0)
                }
            }
            try rig.wait("all answers") { outcomes.count == codes.count }
            #expect(outcomes.allSatisfy { $0 == .failure(.unavailable) })
            // Long enough for a next connection, if it did not have to wait for the processes' end.
            let end = ContinuousClock.now + .seconds(3)
            while ContinuousClock.now < end { rig.wait() }
            for process in stopped { kill(pid_t(process), SIGCONT) }
            try rig.wait("the undoing") {
                rig.databases[0].isAvailable && rig.databases[0].metrics.undone.value == codes.count
            }
            #expect(
                try rig.session.number("SELECT count(*) FROM codes WHERE token_digest IS NOT NULL")
                    == 0)
            for code in codes {
                let outcome = try rig.redeem(code, token: code.id.low + 1000)
                #expect(outcome == .success(.redeemed(state: "s")))
            }
        }

        @Test func lossAndRecoveryAreToldOnce() throws {
            let rig = try Rig(timeoutMilliseconds: 500)
            defer { rig.closeOrRecord() }
            try rig.session.run("ALTER SCHEMA \(rig.schema) RENAME TO \(rig.schema)_away")
            try rig.session.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                    + "AND application_name = '\(rig.schema)'")
            try rig.wait("the loss") { !rig.databases[0].isAvailable && !rig.lines.texts.isEmpty }
            #expect(try rig.redeem(Rig.code(1), token: 1) == .failure(.unavailable))
            let now: Result<Milliseconds?, StoreError> = try rig.answer {
                $0.removeExpired(now: 5, completion: $1)
            }
            #expect(now == .failure(.unavailable))
            try rig.session.run("ALTER SCHEMA \(rig.schema)_away RENAME TO \(rig.schema)")
            try rig.wait("the recovery") { rig.databases[0].isAvailable }
            try rig.wait("the line of it") { rig.lines.texts.last == "the database answers again" }
            #expect(rig.lines.texts.contains { $0.contains("store migrate") })
            #expect(Set(rig.lines.texts).count == rig.lines.texts.count)
        }
    }
}
