// obie-tokens tokens revoke while codes of before are being exchanged on every loop: when the command
// has returned nothing that came of them is alive, nor does anything come to life afterwards.

import Foundation
import Synchronization
import Testing

@Suite struct RevocationRaceTests {
    private static let threads = 4
    private static let codes = 400

    /// Exchanges codes on a connection of its own, and keeps the tokens.
    private final class Exchanger: Sendable {
        private let bank: Bank
        private let codes: ArraySlice<String>
        private let tokens = Mutex<[String]>([])
        private let ended = DispatchSemaphore(value: 0)

        init(_ bank: Bank, _ codes: ArraySlice<String>) { (self.bank, self.codes) = (bank, codes) }

        var taken: [String] { tokens.withLock { $0 } }

        func start() {
            Thread.detachNewThread { [self] in
                defer { ended.signal() }
                do {
                    let connection = try bank.server.connect()
                    for code in codes {
                        try connection.send(bank.exchange(code).bytes)
                        let response = try connection.readResponse()
                        guard response.status == 201 else { continue }
                        let token = try response.data()["access_token"] as? String
                        tokens.withLock { $0.append(token ?? "") }
                    }
                } catch {
                    Issue.record("\(error)")
                }
            }
        }

        func join() { #expect(ended.wait(timeout: .now() + 60) == .success) }
    }

    static let subjects = [
        ["--consent", "consent-1"], ["--consent", "consent-1", "--fi", ProductionServer.first],
        ["--fi", ProductionServer.first], ["--psp", ProductionServer.provider],
    ]

    @Test(arguments: subjects)
    func nothingOfBeforeIsAliveOnceTheCommandReturns(subject: [String]) throws {
        let server = try ProductionServer("--code-lifetime", "600")
        let bank = server.bank
        let connection = try bank.server.connect()
        let codes = try (0..<Self.codes).map { _ in
            try connection.send(bank.makeCode().bytes)
            return try expectCode(connection.readResponse(), redirectURI: bank.redirectURI)
        }
        let share = Self.codes / Self.threads
        let exchangers = (0..<Self.threads).map { thread in
            Exchanger(bank, codes[(thread * share)..<((thread + 1) * share)])
        }
        for exchanger in exchangers { exchanger.start() }
        let outcome = try server.store.run(["tokens", "revoke", "--yes"] + subject)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let atOnce = exchangers.flatMap(\.taken)
        let alive = try atOnce.filter { try bank.isActive($0, on: connection) }
        #expect(alive.count == 0, "of \(atOnce.count) when the command returned")
        for exchanger in exchangers { exchanger.join() }
        let all = exchangers.flatMap(\.taken)
        for token in all {
            #expect(try !bank.isActive(token, on: connection))
        }
        // The test says nothing where the command was over before anything had been exchanged.
        #expect(all.count > 0)
        var fresh = bank
        try fresh.renewCCGToken()
        #expect(try fresh.isActive(fresh.newToken()), "what is issued afterwards lives")
    }
}
