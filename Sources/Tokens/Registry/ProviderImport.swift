// Many providers at once, as a list from their authority has them: all of it is right, or nothing is taken.
// Knows neither the form of the list nor where the registry is kept.

/// What one line says of a provider.
public struct ProviderEntry: Equatable, Sendable {
    /// Counted from 1.
    public let line: Int
    public let reference: String
    public let terms: ProviderTerms
    /// All of them; nil leaves those that there are.
    public let redirectURIs: [String]?

    public init(
        line: Int, reference: String, terms: ProviderTerms = ProviderTerms(),
        redirectURIs: [String]? = nil
    ) {
        self.line = line
        self.reference = reference
        self.terms = terms
        self.redirectURIs = redirectURIs
    }
}

/// What is wrong with a list. Some of the faults, and how many there are.
public struct ImportFaults: Error, Equatable, Sendable {
    public struct Fault: Equatable, Sendable {
        public let line: Int
        public let reason: String
    }

    /// How many are told.
    public static let toldMax = 20

    public private(set) var told: [Fault] = []
    public private(set) var count = 0

    public init() {}

    public mutating func add(line: Int, _ reason: String) {
        count += 1
        if told.count < ImportFaults.toldMax { told.append(Fault(line: line, reason: reason)) }
    }
}

/// What a list changes.
public struct ImportOutcome: Equatable, Sendable {
    public struct Change: Equatable, Sendable {
        /// nil for a provider that is new.
        public let before: ProviderRecord?
        public let after: ProviderRecord
        public var reference: String { after.reference }
        public var isAddition: Bool { before == nil }
        /// It has no authorisation now, and had one before, or was not registered.
        public var isWithdrawal: Bool {
            after.authorisation.status == .withdrawn
                && before?.authorisation.status != .withdrawn
        }
    }

    /// In the order of the list.
    public private(set) var changes: [Change] = []
    public fileprivate(set) var unchangedCount = 0
    public private(set) var addedCount = 0
    public var changedCount: Int { changes.count - addedCount }
    /// By reference.
    public private(set) var withdrawn: [String] = []

    fileprivate mutating func add(_ change: Change) {
        if change.isAddition { addedCount += 1 }
        if change.isWithdrawal { withdrawn.append(change.reference) }
        changes.append(change)
    }
}

extension RegistryContent {
    /// The faults of a list that can be seen without the registry: adds to those that its form has.
    ///
    /// - Parameter mode: of the registry.
    public static func faults(
        of entries: [ProviderEntry], mode: IssuerSettings.Mode, allowsPlainText: Bool,
        _ faults: inout ImportFaults
    ) {
        let rules = RegistryContent(mode: mode)
        var lines: [String: Int] = [:]
        lines.reserveCapacity(entries.count)
        for entry in entries {
            if let first = lines.updateValue(entry.line, forKey: entry.reference) {
                let reason = "\(entry.reference) stands in line \(first) already"
                faults.add(line: entry.line, reason)
            }
            if !isVisible(entry.reference, 1...128) {
                let error = RegistryError.providerInvalid(entry.reference)
                faults.add(line: entry.line, error.description)
            }
            if !entry.terms.isNameValid {
                faults.add(line: entry.line, RegistryError.providerNameInvalid.description)
            }
            guard let uris = entry.redirectURIs else { continue }
            for (index, uri) in uris.enumerated() {
                do throws(RegistryError) {
                    try rules.checkRedirectURI(uri, allowsPlainText: allowsPlainText)
                    if uris[..<index].contains(uri) { throw .redirectURIExists(uri) }
                } catch {
                    faults.add(line: entry.line, error.description)
                }
            }
        }
    }

    /// Takes a list over: who is new is added, of the others what the list says is as it says, and all
    /// else stays. Those that are not in the list stay as they are.
    ///
    /// - Precondition: `faults` has found none.
    public mutating func take(_ entries: [ProviderEntry]) -> ImportOutcome {
        var outcome = ImportOutcome()
        providers.reserveCapacity(max(providers.count, entries.count))
        for entry in entries {
            if let before = providers[entry.reference] {
                let after = changed(before, by: entry)
                if after == before {
                    outcome.unchangedCount += 1
                    continue
                }
                providers[entry.reference] = after
                outcome.add(ImportOutcome.Change(before: before, after: after))
            } else {
                var record = ProviderRecord(
                    id: Provider.ID(drawNumber()), reference: entry.reference, redirectURIs: [])
                record = changed(record, by: entry)
                providers[entry.reference] = record
                removedProviders.remove(entry.reference)
                outcome.add(ImportOutcome.Change(before: nil, after: record))
            }
        }
        return outcome
    }

    /// A URI that stays keeps its number, so that codes bound to it stay good.
    private mutating func changed(
        _ record: ProviderRecord, by entry: ProviderEntry
    ) -> ProviderRecord {
        var record = record
        record.take(entry.terms)
        guard let uris = entry.redirectURIs, uris != record.redirectURIs.map(\.text) else {
            return record
        }
        let known = record.redirectURIs
        record.redirectURIs = uris.map { uri in
            known.first { $0.text == uri }
                ?? Provider.RedirectURI(id: Provider.RedirectURI.ID(drawNumber()), text: uri)
        }
        // Their order means nothing, and stores keep that of the numbers.
        record.redirectURIs.sort { $0.id.number < $1.id.number }
        return record
    }
}

extension ImportOutcome.Change {
    /// What is different, in words; of a provider that is new, what it has.
    public var differences: [String] {
        guard let before else { return properties }
        var differences: [String] = []
        let (old, new) = (before.authorisation, after.authorisation)
        if old.status != new.status {
            differences.append("status \(old.status.rawValue) -> \(new.status.rawValue)")
        }
        if old.services != new.services {
            differences.append("services \(old.services.list) -> \(new.services.list)")
        }
        if before.name != after.name {
            differences.append("name \(before.name ?? "none") -> \(after.name ?? "none")")
        }
        let (had, has) = (before.redirectURIs.map(\.text), after.redirectURIs.map(\.text))
        differences += has.filter { !had.contains($0) }.map { "redirect URI \($0) added" }
        differences += had.filter { !has.contains($0) }.map { "redirect URI \($0) removed" }
        return differences
    }

    private var properties: [String] {
        let authorisation = after.authorisation
        return [
            "status \(authorisation.status.rawValue)", "services \(authorisation.services.list)",
        ] + (after.name.map { ["name \($0)"] } ?? [])
            + after.redirectURIs.map { "redirect URI \($0.text)" }
    }
}

extension Services {
    fileprivate var list: String { isEmpty ? "none" : names.joined(separator: ", ") }
}
