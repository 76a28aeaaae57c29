// Keys are rotated more often than anybody does, and nothing that was issued is lost.

import Foundation
import Testing

@Suite struct KeyRotationTests {
    private static let rotations = 20

    private func token(_ server: ServerProcess, for code: String) throws -> String {
        let response = try server.answer(to: .exchange(code))
        #expect(response.status == 201, "\(response.text)")
        return try #require(try response.data()["access_token"] as? String)
    }

    private func serve(_ store: ProductionStore, _ body: (ServerProcess) throws -> Void) throws {
        let server = try ServerProcess(store.option + ["--access-token-lifetime", "never"])
        defer { #expect(server.program.stop(SIGTERM) == 0) }
        try body(server)
    }

    /// Tokens that never expire are those whose time is most often plausible under a wrong key: one in
    /// 160 for each newer key. 0.7.0 lost these, and with the 17th key all.
    @Test func noTokenAndNoCodeIsLostByRotation() throws {
        let store = try ProductionStore()
        var tokens: [String] = []
        var code: String?
        for rotation in 0...Self.rotations {
            try serve(store) { server in
                if let code { tokens.append(try token(server, for: code)) }
                for _ in 0..<(rotation == 0 ? 60 : 4) {
                    tokens.append(try token(server, for: try server.newCode()))
                }
                code = try server.newCode()
            }
            if rotation < Self.rotations { try store.command("keys", "rotate") }
        }
        try serve(store) { server in
            let bank = Bank(server: server)
            let connection = try server.connect()
            for token in tokens { #expect(try bank.isActive(token, on: connection)) }
            for token in tokens.prefix(60) {
                #expect(try server.answer(to: bank.revoke(token)).status == 200)
                #expect(try !bank.isActive(token, on: connection))
            }
        }
        #expect(tokens.count == 60 + Self.rotations * 5)
    }
}
