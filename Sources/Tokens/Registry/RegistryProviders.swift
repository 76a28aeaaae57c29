// The rules of changing what is registered about providers.

/// What is to be said of a provider; nil leaves it as it is.
public struct ProviderTerms: Equatable, Sendable {
    public var status: Authorisation.Status?
    public var services: Services?
    /// Empty takes the name away.
    public var name: String?

    public init(
        status: Authorisation.Status? = nil, services: Services? = nil, name: String? = nil
    ) {
        (self.status, self.services, self.name) = (status, services, name)
    }

    var isNameValid: Bool {
        guard let name else { return true }
        if name.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) {
            return name.utf8.count <= RegistryContent.nameMax
        }
        return name.unicodeScalars.count <= RegistryContent.nameMax
            && name.unicodeScalars.allSatisfy {
                switch $0.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: false
                default: true
                }
            }
    }
}

extension ProviderRecord {
    mutating func take(_ terms: ProviderTerms) {
        if let status = terms.status { authorisation.status = status }
        if let services = terms.services { authorisation.services = services }
        if let name = terms.name { self.name = name.isEmpty ? nil : name }
    }
}

extension RegistryContent {
    /// Of a provider's name, in characters (Unicode scalars).
    public static let nameMax = 128

    public func provider(_ reference: String) throws(RegistryError) -> ProviderRecord {
        guard let record = providers[reference] else { throw .providerUnknown(reference) }
        return record
    }

    /// - Parameters:
    ///   - terms: without them it is authorised for all services.
    ///   - allowsPlainText: as `RegistrableURI` has it.
    public mutating func addProvider(
        _ reference: String, redirectURIs: [String], _ terms: ProviderTerms = ProviderTerms(),
        allowsPlainText: Bool = false
    ) throws(RegistryError) {
        guard RegistryContent.isVisible(reference, 1...128) else {
            throw .providerInvalid(reference)
        }
        guard providers[reference] == nil else { throw .providerExists(reference) }
        guard terms.isNameValid else { throw .providerNameInvalid }
        var record = ProviderRecord(
            id: Provider.ID(drawNumber()), reference: reference, redirectURIs: [])
        record.take(terms)
        providers[reference] = record
        removedProviders.remove(reference)
        for uri in redirectURIs {
            try addRedirectURI(uri, to: reference, allowsPlainText: allowsPlainText)
        }
    }

    public mutating func setProvider(
        _ reference: String, isDisabled: Bool
    ) throws(RegistryError) {
        _ = try provider(reference)
        providers[reference]?.isDisabled = isDisabled
    }

    public mutating func setProvider(
        _ reference: String, _ terms: ProviderTerms
    ) throws(RegistryError) {
        _ = try provider(reference)
        guard terms.isNameValid else { throw .providerNameInvalid }
        providers[reference]?.take(terms)
    }

    public mutating func removeProvider(_ reference: String) throws(RegistryError) {
        _ = try provider(reference)
        providers[reference] = nil
        removedProviders.insert(reference)
    }

    public mutating func addRedirectURI(
        _ uri: String, to reference: String, allowsPlainText: Bool = false
    ) throws(RegistryError) {
        let known = try provider(reference).redirectURIs
        try checkRedirectURI(uri, allowsPlainText: allowsPlainText)
        guard !known.contains(where: { $0.text == uri }) else { throw .redirectURIExists(uri) }
        let id = Provider.RedirectURI.ID(drawNumber())
        providers[reference]?.redirectURIs.append(Provider.RedirectURI(id: id, text: uri))
    }

    /// In the sandbox `http` is as good as `https`.
    func checkRedirectURI(_ uri: String, allowsPlainText: Bool) throws(RegistryError) {
        let allowsPlainText = allowsPlainText || mode == .sandbox
        if let fault = RegistrableURI.fault(of: uri, allowsPlainText: allowsPlainText) {
            throw .redirectURIInvalid(uri, fault)
        }
    }

    public mutating func removeRedirectURI(
        _ uri: String, from reference: String
    ) throws(RegistryError) {
        let known = try provider(reference).redirectURIs
        guard let index = known.firstIndex(where: { $0.text == uri }) else {
            throw .redirectURIUnknown(uri)
        }
        providers[reference]?.redirectURIs.remove(at: index)
    }
}
