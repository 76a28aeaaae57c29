// Which rows a change of providers writes.

import Testing
import Tokens

@Suite struct ProviderDifferenceTests {
    private static func content() throws -> RegistryContent {
        var content = RegistryContent(mode: .production)
        for name in ["c", "a", "b", "same"] {
            try content.addProvider(name, redirectURIs: ["https://\(name).example/"])
        }
        return content
    }

    private static func names(_ records: [ProviderRecord]) -> [String] { records.map(\.reference) }

    @Test func sameContentWritesNothing() throws {
        let before = try Self.content().providers
        let difference = ProviderDifference(from: before, to: before)
        #expect(difference.updated.isEmpty)
        #expect(difference.deleted.isEmpty && difference.inserted.isEmpty)
    }

    @Test func whoKeepsItsURIsIsUpdatedInTheOrderOfNumbers() throws {
        let before = try Self.content()
        var after = before
        for name in ["a", "b", "c"] {
            try after.setProvider(name, ProviderTerms(status: .withdrawn))
        }
        let difference = ProviderDifference(from: before.providers, to: after.providers)
        #expect(Self.names(difference.updated) == ["c", "a", "b"])
        #expect(difference.updated.allSatisfy { $0.authorisation.status == .withdrawn })
        #expect(difference.deleted.isEmpty && difference.inserted.isEmpty)
    }

    @Test func whoHasOtherURIsIsRemovedAndAddedAgain() throws {
        let before = try Self.content()
        var after = before
        try after.addRedirectURI("https://other.example/", to: "a")
        try after.removeRedirectURI("https://c.example/", from: "c")
        let difference = ProviderDifference(from: before.providers, to: after.providers)
        #expect(Self.names(difference.deleted) == ["c", "a"])
        #expect(Self.names(difference.inserted) == ["c", "a"])
        #expect(difference.inserted.map(\.redirectURIs.count) == [0, 2])
        #expect(difference.updated.isEmpty)
    }

    /// The one that is added again under its name is another one, with another number.
    @Test func whoIsGoneIsRemovedAndWhoIsNewIsAdded() throws {
        let before = try Self.content()
        var after = before
        try after.removeProvider("a")
        try after.addProvider("a", redirectURIs: [])
        try after.removeProvider("b")
        try after.addProvider("new", redirectURIs: [])
        let difference = ProviderDifference(from: before.providers, to: after.providers)
        #expect(Self.names(difference.deleted) == ["a", "b"])
        #expect(Self.names(difference.inserted) == ["a", "new"])
        #expect(difference.updated.isEmpty)
    }
}
