// Two stores under load while their connections are ended and the processes behind them stand still:
// whoever is told 503 asks again, wherever, until the code is spent.

import Foundation
import StoreContract
import Testing
import Tokens

@testable import PostgresStore

extension OnPostgres {
    @Suite struct ChaosTests {
        private final class Load {
            let rig: Rig
            var random: Seeded
            var tokens: [UInt64: [Identifier]] = [:]
            var refused: [UInt64] = []
            var waiting: [AuthorizationCode] = []
            var unavailable = 0
            var asked = 0
            private(set) var longestTurn = Duration.zero
            private var number: UInt64 = 0
            private var token: UInt64 = 0

            init(_ rig: Rig, seed: UInt64) {
                self.rig = rig
                random = Seeded(state: seed)
            }

            func turn() {
                let began = ContinuousClock.now
                begin(20)
                for _ in 0..<30 { rig.wait() }
                askAgain()
                longestTurn = max(longestTurn, ContinuousClock.now - began)
            }

            private func begin(_ count: Int) {
                for _ in 0..<count {
                    let code = Rig.code(number)
                    number += 1
                    asked += 1
                    insert(code)
                }
            }

            private func insert(_ code: AuthorizationCode) {
                rig.faces.randomElement(using: &random)?.insert(code) { [self] result in
                    switch result {
                    case .success: redeem(code)
                    case .failure:
                        unavailable += 1
                        insert(code)
                    }
                }
            }

            /// Each time with another token, as a client does.
            private func redeem(_ code: AuthorizationCode) {
                token += 1
                let attempt = Rig.attempt(code, token: token)
                rig.faces.randomElement(using: &random)?.redeem(attempt) { [self] result in
                    switch result {
                    case .success(.redeemed):
                        tokens[code.id.low, default: []].append(attempt.token)
                    case .success(.refused), .success(.repeated): refused.append(code.id.low)
                    case .failure:
                        unavailable += 1
                        // Not at once: there would be no end of it.
                        waiting.append(code)
                    }
                }
            }

            func askAgain() {
                let codes = waiting
                waiting = []
                for code in codes { redeem(code) }
            }
        }

        @Test func eachCodeIsSpentOnceWhateverHappens() throws {
            let seed = seed()
            let rig = try Rig(stores: 2, timeoutMilliseconds: 700)
            defer { rig.closeOrRecord() }
            let load = Load(rig, seed: seed)
            let end = ContinuousClock.now + .seconds(10)
            var stopped: [pid_t] = []
            var stoppedUntil = ContinuousClock.now
            while ContinuousClock.now < end {
                load.turn()
                let processes = try rig.processes.map { pid_t($0) }
                switch Int.random(in: 0..<60, using: &load.random) {
                case 0...2:
                    if let process = processes.randomElement(using: &load.random) {
                        try rig.session.run("SELECT pg_terminate_backend(\(process))")
                    }
                case 3 where stopped.isEmpty:
                    for process in processes { kill(process, SIGSTOP) }
                    stopped = processes
                    let pause = Int.random(in: 300..<2500, using: &load.random)
                    stoppedUntil = ContinuousClock.now + .milliseconds(pause)
                default: break
                }
                if ContinuousClock.now > stoppedUntil {
                    for process in stopped { kill(process, SIGCONT) }
                    stopped = []
                }
            }
            for process in stopped { kill(process, SIGCONT) }
            try rig.wait("all answers") {
                load.askAgain()
                return load.tokens.count + load.refused.count >= load.asked
            }
            let undone = rig.databases.reduce(0) { $0 + $1.metrics.undone.value }
            print("\(load.asked) exchanges, \(load.unavailable) answered 503, \(undone) undone")
            // On a machine that gives a thread no time for seconds, a store may be late with an undo.
            #expect(
                load.refused.isEmpty || load.longestTurn > .seconds(1),
                "\(load.refused.count) were refused, the longest turn took \(load.longestTurn)")
            #expect(load.unavailable > 100)
            #expect(load.tokens.allSatisfy { $0.value.count == 1 })
            let acknowledged = Set(
                load.tokens.values.joined().map { token in
                    Digest.of(token).map { String(format: "%02x", $0) }.joined()
                })
            let stored = try rig.session.run("SELECT encode(digest, 'hex') FROM tokens").joined()
            #expect(Set(stored) == acknowledged)
        }
    }
}
