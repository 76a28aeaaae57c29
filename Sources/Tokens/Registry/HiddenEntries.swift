// What requests see nothing of, and why: for the audit log, which must tell apart what looks alike from
// outside.

/// Whether requests see an institution or a provider, and why not.
public enum Standing: Sendable {
    case enabled, disabled, removed, unknown
}

/// The disabled and the removed.
struct HiddenEntries: Sendable {
    private let disabledInstitutions: [Institution.ID: String]
    private let disabledProviders: [Provider.ID: String]
    private let institutions: [String: Standing]
    private let providers: [String: Standing]

    init(_ content: RegistryContent) {
        let disabledInstitutions = content.institutions.values.filter(\.isDisabled)
        let disabledProviders = content.providers.values.filter(\.isDisabled)
        self.disabledInstitutions = Dictionary(
            uniqueKeysWithValues: disabledInstitutions.map { ($0.id, $0.reference) })
        self.disabledProviders = Dictionary(
            uniqueKeysWithValues: disabledProviders.map { ($0.id, $0.reference) })
        institutions = HiddenEntries.standings(
            disabledInstitutions.map(\.reference), content.removedInstitutions)
        providers = HiddenEntries.standings(
            disabledProviders.map(\.reference), content.removedProviders)
    }

    private static func standings(
        _ disabled: [String], _ removed: Set<String>
    ) -> [String: Standing] {
        var standings: [String: Standing] = [:]
        for reference in removed { standings[reference] = .removed }
        for reference in disabled { standings[reference] = .disabled }
        return standings
    }

    func institution(_ reference: String) -> Standing { institutions[reference] ?? .unknown }
    func provider(_ reference: String) -> Standing { providers[reference] ?? .unknown }
    func reference(_ id: Institution.ID) -> String? { disabledInstitutions[id] }
    func reference(_ id: Provider.ID) -> String? { disabledProviders[id] }
}

extension Registry {
    public func standing(ofInstitution reference: String) -> Standing {
        institution(reference: reference) == nil ? hidden.institution(reference) : .enabled
    }

    public func standing(ofProvider reference: String) -> Standing {
        provider(reference: reference) == nil ? hidden.provider(reference) : .enabled
    }

    /// The names of the disabled too; nil for what was removed.
    public func reference(of id: Institution.ID) -> String? {
        institution(id)?.reference ?? hidden.reference(id)
    }

    /// The names of the disabled too; nil for what was removed.
    public func reference(of id: Provider.ID) -> String? {
        provider(id)?.reference ?? hidden.reference(id)
    }
}
