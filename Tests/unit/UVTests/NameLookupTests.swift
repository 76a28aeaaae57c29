// Names and their addresses.

import Testing
import UV

@Suite struct NameLookupTests {
    private func look(_ name: String) throws -> Result<[String], UVError>? {
        let loop = try EventLoop()
        var found: Result<[String], UVError>?
        try NameLookup.addresses(of: name, loop) { found = $0 }
        #expect(found == nil, "it answers in a later turn")
        loop.run()
        return found
    }

    @Test func localhostIsThisMachine() throws {
        let addresses = try #require(try look("localhost")).get()
        #expect(!addresses.isEmpty && addresses.allSatisfy { ["127.0.0.1", "::1"].contains($0) })
    }

    @Test(arguments: ["127.0.0.1", "::1"])
    func addressIsItsOwnName(address: String) throws {
        #expect(try look(address) == .success([address]))
    }

    @Test func nobodysNameIsAFailure() throws {
        #expect(throws: UVError.self) { try #require(try look("nobody.invalid")).get() }
    }

    @Test func endlessNameIsRefused() throws {
        let loop = try EventLoop()
        #expect(throws: UVError.self) {
            try NameLookup.addresses(of: String(repeating: "x", count: 5000), loop) { _ in }
        }
        loop.run()
    }
}
