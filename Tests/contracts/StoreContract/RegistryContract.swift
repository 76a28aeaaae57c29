// The suite that every place that keeps the registry must pass.

import CryptoForTests
import Tokens

/// Runs one rule after another against fresh registries.
public struct RegistryContract {
    /// One registry, as a running server has it and as a command has it.
    public typealias Sides = (server: any RegistryStore, command: any RegistryStore)
    private let makeSides: () throws -> Sides

    /// - Parameter makeSides: of an empty registry for production. Rules change it by the command's
    ///   side, and read it by the server's.
    public init(_ makeSides: @escaping () throws -> Sides) {
        self.makeSides = makeSides
    }

    /// Every rule by name.
    public static var rules: [(name: String, run: (RegistryContract) throws -> Void)] {
        [
            ("everythingIsKept", { try $0.everythingIsKept() }),
            ("authorisationIsKept", { try $0.authorisationIsKept() }),
            ("certificateRuleIsKept", { try $0.certificateRuleIsKept() }),
            ("longListIsTakenOverAtOnce", { try $0.longListIsTakenOverAtOnce() }),
            ("refusedChangeChangesNothing", { try $0.refusedChangeChangesNothing() }),
            ("versionCountsChangesOnly", { try $0.versionCountsChangesOnly() }),
            ("revokedConsentIsAChange", { try $0.revokedConsentIsAChange() }),
            ("whatIsRemovedIsGone", { try $0.whatIsRemovedIsGone() }),
            ("noNumberIsGivenTwice", { try $0.noNumberIsGivenTwice() }),
            ("versionTellsOfEachChange", { try $0.versionTellsOfEachChange() }),
            ("commandsWaitForTheServer", { try $0.commandsWaitForTheServer() }),
        ]
    }

    private func check(_ isTrue: Bool, _ what: String) throws {
        if !isTrue { throw ContractViolation(what) }
    }

    private func digest(_ text: String) -> SecretDigest { SecretDigest(of: Array(text.utf8)) }

    /// Two institutions, a client for both and one for the second, two providers, a kill switch of
    /// each kind.
    private func fill(_ content: inout RegistryContent) throws {
        _ = try content.addInstitution("bank-1", clientID: "both", secret: digest("a"))
        _ = try content.addInstitution("bank-2", clientID: "both", secret: digest("b"))
        try content.addProvider("psp-1", redirectURIs: ["https://a.example/", "https://b.example"])
        try content.addProvider("psp-2", redirectURIs: [])
        try content.addProvider(
            "psp-3", redirectURIs: ["com.example.app:/cb"],
            ProviderTerms(status: .withdrawn, services: .payments, name: "'Ü\\\u{1F600}"))
        try content.addProvider("psp-4", redirectURIs: [], ProviderTerms(services: []))
        _ = try content.rotateSecret(
            "bank-1", clientID: nil, secret: digest("c"), oldUntil: 2000, now: 1000)
        try content.setInstitution("bank-2", isDisabled: true)
        try content.setProvider("psp-2", isDisabled: true)
        try content.revokeAll(ofInstitution: "bank-1", now: 5)
        try content.revokeAll(ofProvider: "psp-1", now: 6)
        try content.revokeAll(ofConsent: "'consent\u{1}é😀", institution: nil, now: 7)
        try content.revokeAll(ofConsent: "consent", institution: "bank-2", now: 8)
    }

    // MARK: Rules

    private func everythingIsKept() throws {
        let (server, registry) = try makeSides()
        var expected = try server.load()
        try check(expected == RegistryContent(mode: .production), "it is not empty at first")
        try fill(&expected)
        expected.version = 1
        // The store of tokens has those.
        expected.revokedConsents = [:]
        let outcome = try registry.update { try fill(&$0) }
        try check(outcome.version == 1, "the first change has version \(outcome.version)")
        try check(try server.load() == expected, "it holds something else than was put in")
        try expected.setProvider("psp-2", isDisabled: false)
        try expected.removeRedirectURI("https://a.example/", from: "psp-1")
        try expected.addRedirectURI("https://c.example/", to: "psp-1")
        expected.version = 2
        let second = try registry.update { content in
            try content.setProvider("psp-2", isDisabled: false)
            try content.removeRedirectURI("https://a.example/", from: "psp-1")
            try content.addRedirectURI("https://c.example/", to: "psp-1")
        }
        try check(second.version == 2, "the second change has version \(second.version)")
        try check(try server.load() == expected, "a second change was not kept")
    }

    private func authorisationIsKept() throws {
        let (server, registry) = try makeSides()
        _ = try registry.update { try fill(&$0) }
        let terms = [
            ProviderTerms(status: .withdrawn), ProviderTerms(services: [.accounts]),
            ProviderTerms(status: .authorised), ProviderTerms(name: "n"), ProviderTerms(name: ""),
        ]
        var expected = try server.load()
        for terms in terms {
            try expected.setProvider("psp-1", terms)
            expected.version += 1
            let (_, version) = try registry.update { try $0.setProvider("psp-1", terms) }
            try check(version == expected.version, "\(terms) has version \(version)")
            try check(try server.load() == expected, "it does not keep \(terms)")
        }
    }

    private func certificateRuleIsKept() throws {
        let (server, registry) = try makeSides()
        _ = try registry.update { try fill(&$0) }
        let (one, other) = (Thumbprint(digest("1").bytes), Thumbprint(digest("2").bytes))
        guard let one, let other else { throw ContractViolation("a digest is a thumbprint") }
        let subject: Set = [
            NameAttribute(type: "2.5.4.3", value: "a, =%\u{1F600}'\0"),
            NameAttribute(type: "2.5.4.6", value: "GB"),
        ]
        let rules = [
            CertificateRule(.thumbprint(one), authority: nil),
            CertificateRule(.subject(subject), authority: other),
            CertificateRule(.alternativeName(.ip([192, 0, 2, 7])), authority: other),
            CertificateRule(.organization("PSDGB-FCA-1"), authority: one), nil,
        ]
        var expected = try server.load()
        for rule in rules {
            _ = try expected.setCertificate(rule, of: "both", institution: "bank-1")
            expected.version += 1
            _ = try registry.update {
                try $0.setCertificate(rule, of: "both", institution: "bank-1")
            }
            try check(
                try server.load() == expected,
                "it does not keep \(rule?.text ?? "that there is none")")
        }
        // It goes with its client.
        _ = try registry.update {
            _ = try $0.setCertificate(rules[0], of: "both", institution: "bank-1")
            try $0.removeInstitution("bank-1")
            try $0.removeInstitution("bank-2")
            _ = try $0.addInstitution("bank-1", clientID: "both", secret: digest("d"))
        }
        try check(
            try server.load().clients["both"]?.certificate == nil, "a rule has outlived its client")
    }

    /// More than one statement or one page takes, and all of it or nothing.
    private func longListIsTakenOverAtOnce() throws {
        let (server, registry) = try makeSides()
        func list(_ count: Int, _ status: Authorisation.Status) -> [ProviderEntry] {
            (1...count).map { number in
                ProviderEntry(
                    line: number, reference: "psp-\(number)",
                    terms: ProviderTerms(status: status, name: number % 3 == 0 ? "\(number)" : nil),
                    redirectURIs: (0..<number % 4).map { "https://\(number).example/\($0)" })
            }
        }
        _ = try registry.update { try fill(&$0) }
        for (count, status) in [(4500, Authorisation.Status.authorised), (4100, .withdrawn)] {
            var expected = try server.load()
            expected.version += 1
            let outcome = expected.take(list(count, status))
            let found = try registry.update { $0.take(list(count, status)) }
            try check(found.answer == outcome, "it takes over something else")
            try check(try server.load() == expected, "a list of \(count) is not kept as it is")
        }
        struct Refused: Error {}
        let before = try server.load()
        do {
            _ = try registry.update { content in
                _ = content.take(list(5000, .authorised))
                throw Refused()
            }
        } catch is Refused {}
        try check(try server.load() == before, "a list that was refused has left something behind")
    }

    private func refusedChangeChangesNothing() throws {
        let (server, registry) = try makeSides()
        _ = try registry.update { try fill(&$0) }
        let before = try server.load()
        do {
            _ = try registry.update { content in
                try content.removeInstitution("bank-1")
                try content.addProvider("psp-1", redirectURIs: [])
            }
            throw ContractViolation("a refused change was not refused")
        } catch let error as RegistryError {
            try check(error == .providerExists("psp-1"), "it was refused with \(error)")
        }
        try check(try server.load() == before, "a refused change left something behind")
    }

    private func versionCountsChangesOnly() throws {
        let (_, registry) = try makeSides()
        _ = try registry.update { try fill(&$0) }
        let same = try registry.update { try $0.setProvider("psp-2", isDisabled: true) }
        try check(same.version == 1, "a change that changes nothing has version \(same.version)")
    }

    /// Each time, so that a server takes it over; and it is not carried along afterwards.
    private func revokedConsentIsAChange() throws {
        let (server, registry) = try makeSides()
        for version in 1...3 as ClosedRange<Int64> {
            let change = try registry.update {
                try $0.revokeAll(ofConsent: "consent", institution: nil, now: 10 - version)
            }
            try check(change.version == version, "it has version \(change.version)")
            try check(try server.load().revokedConsents.isEmpty, "it is loaded again")
        }
        try registry.forgetConsents(revokedBefore: 100)
        try check(try server.version() == 3, "to forget is a change")
    }

    private func whatIsRemovedIsGone() throws {
        let (server, registry) = try makeSides()
        _ = try registry.update { try fill(&$0) }
        _ = try registry.update { content in
            for reference in ["bank-1", "bank-2"] { try content.removeInstitution(reference) }
            for number in 1...4 { try content.removeProvider("psp-\(number)") }
        }
        let content = try server.load()
        try check(
            content.institutions.isEmpty && content.providers.isEmpty && content.clients.isEmpty,
            "something is left")
        try check(content.removedInstitutions == ["bank-1", "bank-2"], "their names are forgotten")
        try check(
            content.removedProviders == ["psp-1", "psp-2", "psp-3", "psp-4"],
            "their names are forgotten")
        _ = try registry.update { content in
            try content.addProvider("psp-2", redirectURIs: [])
            _ = try content.addInstitution("bank-1", clientID: "new", secret: digest("d"))
        }
        let again = try server.load()
        try check(
            again.removedInstitutions == ["bank-2"]
                && again.removedProviders == ["psp-1", "psp-3", "psp-4"],
            "what is there again counts as removed")
    }

    private func noNumberIsGivenTwice() throws {
        let (_, registry) = try makeSides()
        var numbers: [UInt32] = []
        for _ in 0..<3 {
            let (number, _) = try registry.update { content in
                try content.addProvider("psp", redirectURIs: ["https://a.example/"])
                return try content.provider("psp").id.number
            }
            numbers.append(number)
            _ = try registry.update { try $0.removeProvider("psp") }
        }
        try check(Set(numbers).count == 3, "a number was given twice: \(numbers)")
    }

    private func versionTellsOfEachChange() throws {
        let (server, command) = try makeSides()
        for expected in 0..<3 as Range<Int64> {
            let version = try server.version()
            try check(version == expected, "after \(expected) changes it says \(version)")
            try check(try server.version() == version, "it changes by being asked")
            try check(try server.load().version == version, "it holds another version")
            let (_, next) = try command.update {
                try $0.addProvider("psp-\(expected)", redirectURIs: [])
            }
            try check(next == expected + 1, "the change was given version \(next)")
        }
        _ = try command.update { _ in }
        try check(try server.version() == 3, "what changes nothing counts as a change")
        try check(try command.version() == 3, "the two sides differ")
        try check(server.mode == .production && command.mode == .production, "its mode is another")
    }

    /// A server that has announced nothing may count as one that does not run.
    private func commandsWaitForTheServer() throws {
        let (server, command) = try makeSides()
        let (_, first) = try command.update { try $0.addProvider("psp-1", redirectURIs: []) }
        let early = try command.wait(forTakeover: first, milliseconds: 40)
        try check(early != .hasTakenOver, "it was taken over before anybody said so")
        for version in [first, first + 1, first + 10] {
            try server.takenOver(version)
            let seen = try command.wait(forTakeover: version, milliseconds: 5000)
            try check(seen == .hasTakenOver, "version \(version) was taken over, and it is \(seen)")
            let next = try command.wait(forTakeover: version + 1, milliseconds: 40)
            // It may name the server.
            guard case .isLate = next else {
                throw ContractViolation("a version that was not taken over is \(next)")
            }
        }
    }
}
