// A list of providers, taken over as a whole.

import Testing
import Tokens

@Suite struct ProviderImportTests {
    private static func content() throws -> RegistryContent {
        var content = RegistryContent(mode: .production)
        try content.addProvider("one", redirectURIs: ["https://a.example/", "https://b.example/"])
        try content.addProvider("two", redirectURIs: [], ProviderTerms(status: .withdrawn))
        try content.setProvider("two", isDisabled: true)
        try content.addProvider("gone", redirectURIs: [])
        try content.removeProvider("gone")
        return content
    }

    private static func entry(
        _ line: Int, _ reference: String, _ terms: ProviderTerms = ProviderTerms(),
        _ redirectURIs: [String]? = nil
    ) -> ProviderEntry {
        ProviderEntry(line: line, reference: reference, terms: terms, redirectURIs: redirectURIs)
    }

    @Test func newOnesAreAddedAndOthersStay() throws {
        let before = try Self.content()
        var content = before
        let outcome = content.take([
            Self.entry(1, "new"),
            Self.entry(2, "gone", ProviderTerms(services: .payments), ["https://g.example/"]),
        ])
        #expect(outcome.addedCount == 2 && outcome.changedCount == 0 && outcome.unchangedCount == 0)
        #expect(content.providers["one"] == before.providers["one"])
        #expect(content.providers["two"] == before.providers["two"])
        #expect(try content.provider("new").authorisation == .full)
        let again = try content.provider("gone")
        #expect(again.authorisation.services == .payments)
        #expect(again.redirectURIs.map(\.text) == ["https://g.example/"])
        #expect(content.removedProviders.isEmpty)
        let ids = content.providers.values.map(\.id.number)
        #expect(Set(ids).count == ids.count && ids.allSatisfy { $0 < content.nextNumber })
    }

    @Test func ofANewOneItIsToldWhatItHas() throws {
        var content = try Self.content()
        let outcome = content.take([
            Self.entry(1, "plain"),
            Self.entry(
                2, "full", ProviderTerms(status: .withdrawn, services: [], name: "Full"),
                ["https://f.example/"]),
        ])
        #expect(outcome.addedCount == 2)
        #expect(
            outcome.changes.map(\.differences) == [
                ["status authorised", "services accounts, payments, fundsconfirmations"],
                [
                    "status withdrawn", "services none", "name Full",
                    "redirect URI https://f.example/",
                ],
            ])
        #expect(outcome.withdrawn == ["full"])
    }

    @Test func whatTheLineDoesNotSayStays() throws {
        let before = try Self.content()
        var content = before
        let outcome = content.take([
            Self.entry(1, "one", ProviderTerms(name: "One")),
            Self.entry(2, "two", ProviderTerms(status: .authorised)),
        ])
        #expect(outcome.changedCount == 2)
        var one = try before.provider("one")
        one.name = "One"
        #expect(content.providers["one"] == one)
        let two = try content.provider("two")
        #expect(two.isDisabled && two.authorisation == .full)
        #expect(outcome.changes[1].differences == ["status withdrawn -> authorised"])
    }

    @Test func uriThatStaysKeepsItsNumber() throws {
        var content = try Self.content()
        let kept = try content.provider("one").redirectURIs[1]
        let outcome = content.take([
            Self.entry(1, "one", ProviderTerms(), ["https://c.example/", "https://b.example/"])
        ])
        let uris = try content.provider("one").redirectURIs
        #expect(uris.first == kept && uris.map(\.text).last == "https://c.example/")
        #expect(
            outcome.changes.first?.differences == [
                "redirect URI https://c.example/ added", "redirect URI https://a.example/ removed",
            ])
    }

    @Test func sameListTwiceChangesNothingTheSecondTime() throws {
        var content = try Self.content()
        let list = [
            Self.entry(
                1, "one", ProviderTerms(status: .withdrawn, services: [], name: "x"),
                ["https://z.example/", "https://a.example/"]),
            Self.entry(2, "new", ProviderTerms(name: "n"), ["https://n.example/"]),
        ]
        #expect(content.take(list).withdrawn == ["one"])
        let first = content
        let again = content.take(list)
        #expect(again.unchangedCount == 2 && again.changes.isEmpty && again.withdrawn.isEmpty)
        #expect(content == first)
    }

    @Test func everyFaultIsFoundWithItsLine() {
        var faults = ImportFaults()
        RegistryContent.faults(
            of: [
                Self.entry(1, "one"), Self.entry(2, "a b"),
                Self.entry(3, "three", ProviderTerms(name: "a\nb")),
                Self.entry(4, "four", ProviderTerms(), ["javascript:x", "http://a.example/"]),
                Self.entry(5, "one"),
                Self.entry(
                    6, "six", ProviderTerms(), ["https://a.example/", "https://a.example/"]),
            ], mode: .production, allowsPlainText: false, &faults)
        #expect(faults.told.map(\.line) == [2, 3, 4, 4, 5, 6])
        #expect(faults.told[4].reason == "one stands in line 1 already")
    }

    @Test func twentyFaultsAreToldAndAllAreCounted() {
        var faults = ImportFaults()
        for line in 1...21 { faults.add(line: line, "x") }
        #expect(faults.count == 21 && faults.told.count == 20)
    }

    @Test func plainTextIsAFaultInProductionOnly() {
        let list = [Self.entry(1, "one", ProviderTerms(), ["http://a.example/"])]
        for (mode, allows, count) in [
            (IssuerSettings.Mode.production, false, 1), (.production, true, 0),
            (.sandbox, false, 0),
        ] {
            var faults = ImportFaults()
            RegistryContent.faults(of: list, mode: mode, allowsPlainText: allows, &faults)
            #expect(faults.count == count)
        }
    }
}
