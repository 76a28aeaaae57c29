// Who proves to be a client of the registry.

import CryptoForTests
import Testing

@testable import Tokens

@Suite struct RegistryTests {
    @Test(arguments: [
        ("api-consumer-id", "password", true), ("api-consumer-id", "passwore", false),
        ("api-consumer-id", "", false), ("someone", "password", false),
        ("someone", "nobody", false),
    ])
    func clientNeedsItsSecret(id: String, secret: String, isRight: Bool) {
        #expect((Registry.sandbox.client(id: id, secret: Array(secret.utf8)) != nil) == isRight)
    }

    @Test func emptyRegistryKnowsNobody() {
        #expect(Registry.empty.client(id: "api-consumer-id", secret: Array("password".utf8)) == nil)
    }
}
