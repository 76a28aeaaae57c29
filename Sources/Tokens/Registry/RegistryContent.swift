// The whole registry as a value, and the rules of changing it. It knows neither where it is kept
// nor who may change it.

import Bytes

/// Everything that is registered.
public struct RegistryContent: Equatable, Sendable {
    /// Whose world this is; never changes.
    public let mode: IssuerSettings.Mode
    /// Counts the changes.
    public var version: Int64 = 0
    /// By reference.
    public var institutions: [String: InstitutionRecord] = [:]
    /// By reference.
    public var providers: [String: ProviderRecord] = [:]
    /// By id.
    public var clients: [String: ClientRecord] = [:]
    /// Consents that a change revokes, each until a moment. Part of the change only: the store of
    /// tokens takes them over, and nobody loads them again, however many there are.
    public var revokedConsents: [ConsentRevocation: Milliseconds] = [:]
    /// Names of the past, for the audit log: one that is registered again leaves.
    public var removedInstitutions: Set<String> = []
    public var removedProviders: Set<String> = []
    /// The number that the next institution, provider or redirect URI gets. None is given twice:
    /// what was issued for a removed one must never pass for another's.
    public var nextNumber: UInt32 = 1

    public init(mode: IssuerSettings.Mode) { self.mode = mode }

    /// One client, one institution, one provider, all with well-known names.
    public static let sandbox: RegistryContent = {
        var content = RegistryContent(mode: .sandbox)
        content.institutions["PSDGB-FCA-111111"] = InstitutionRecord(
            id: Institution.ID(1), reference: "PSDGB-FCA-111111")
        content.providers["PSDGB-FCA-222222"] = ProviderRecord(
            id: Registry.sandboxProvider, reference: "PSDGB-FCA-222222",
            redirectURIs: [
                Provider.RedirectURI(
                    id: Provider.RedirectURI.ID(1), text: "https://www.google.com")
            ])
        content.clients["api-consumer-id"] = ClientRecord(
            id: "api-consumer-id", secret: sandboxSecret,
            institutions: [Institution.ID(1)])
        content.nextNumber = 2
        return content
    }()

    /// SHA-256 of "password".
    private static let sandboxSecret = SecretDigest(
        bytes: Hexadecimal.bytes(
            "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8".utf8) ?? [])

    mutating func drawNumber() -> UInt32 {
        precondition(nextNumber < .max, "four billion registrations")
        defer { nextNumber += 1 }
        return nextNumber
    }

    static func isVisible(_ text: String, _ lengths: ClosedRange<Int>) -> Bool {
        lengths.contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }
}

// MARK: Institutions and their clients

extension RegistryContent {
    public func institution(_ reference: String) throws(RegistryError) -> InstitutionRecord {
        guard let record = institutions[reference] else { throw .institutionUnknown(reference) }
        return record
    }

    /// Those that may act for it, by id.
    public func clients(of institution: Institution.ID) -> [ClientRecord] {
        clients.values.filter { $0.institutions.contains(institution) }.sorted { $0.id < $1.id }
    }

    /// Adds an institution and lets a client act for it.
    ///
    /// - Parameter secret: the client's, where there is no client `clientID` yet.
    /// - Returns: whether the client is new.
    public mutating func addInstitution(
        _ reference: String, clientID: String, secret: SecretDigest
    ) throws(RegistryError) -> Bool {
        guard RegistryContent.isVisible(reference, 6...128) else {
            throw .institutionInvalid(reference)
        }
        guard institutions[reference] == nil else { throw .institutionExists(reference) }
        try RegistryContent.checkClient(clientID)
        let id = Institution.ID(drawNumber())
        institutions[reference] = InstitutionRecord(id: id, reference: reference)
        removedInstitutions.remove(reference)
        return enlist(clientID, for: id, secret)
    }

    /// Lets one more client act for an institution: a new one, or one that acts for others already.
    ///
    /// - Parameter secret: the client's, where there is no client `clientID` yet.
    /// - Returns: whether the client is new.
    public mutating func addClient(
        _ clientID: String, to reference: String, secret: SecretDigest
    ) throws(RegistryError) -> Bool {
        let id = try institution(reference).id
        try RegistryContent.checkClient(clientID)
        guard clients[clientID]?.institutions.contains(id) != true else {
            throw .clientExists(clientID, institution: reference)
        }
        return enlist(clientID, for: id, secret)
    }

    /// Lets a client no longer act for an institution. One that acts for no other is gone.
    public mutating func removeClient(
        _ clientID: String, from reference: String
    ) throws(RegistryError) {
        let id = try institution(reference).id
        let acting = clients(of: id)
        guard let client = acting.first(where: { $0.id == clientID }) else {
            throw .clientUnknown(clientID, institution: reference)
        }
        guard acting.count > 1 else { throw .clientLast(clientID, institution: reference) }
        clients[clientID]?.institutions.remove(id)
        if client.institutions == [id] { clients[clientID] = nil }
    }

    private static func checkClient(_ clientID: String) throws(RegistryError) {
        guard isVisible(clientID, 1...128), !clientID.contains(":") else {
            throw .clientInvalid(clientID)
        }
    }

    /// - Returns: whether the client is new.
    private mutating func enlist(
        _ clientID: String, for id: Institution.ID, _ secret: SecretDigest
    ) -> Bool {
        let isNew = clients[clientID] == nil
        clients[clientID, default: ClientRecord(id: clientID, secret: secret, institutions: [])]
            .institutions.insert(id)
        return isNew
    }

    public mutating func setInstitution(
        _ reference: String, isDisabled: Bool
    ) throws(RegistryError) {
        _ = try institution(reference)
        institutions[reference]?.isDisabled = isDisabled
    }

    /// Removes it, and the clients that acted for no other.
    public mutating func removeInstitution(_ reference: String) throws(RegistryError) {
        let id = try institution(reference).id
        institutions[reference] = nil
        removedInstitutions.insert(reference)
        for client in clients(of: id) {
            clients[client.id]?.institutions.remove(id)
            if client.institutions == [id] { clients[client.id] = nil }
        }
    }

    /// Sets which certificate a client must show beside its secret.
    ///
    /// - Parameters:
    ///   - clientID: nil for the only one that acts for the institution.
    ///   - rule: nil: none.
    /// - Returns: the client's id.
    public mutating func setCertificate(
        _ rule: CertificateRule?, of clientID: String?, institution reference: String
    ) throws(RegistryError) -> String {
        let client = try client(clientID, of: reference)
        clients[client.id]?.certificate = rule
        return client.id
    }

    /// - Parameter id: nil for the only one that acts for the institution.
    private func client(
        _ id: String?, of reference: String
    ) throws(RegistryError) -> ClientRecord {
        let acting = clients(of: try institution(reference).id)
        if id == nil, acting.count > 1 {
            throw .clientAmbiguous(acting.map(\.id), institution: reference)
        }
        guard let client = acting.first(where: { id == nil || $0.id == id }) else {
            throw .clientUnknown(id ?? "at all", institution: reference)
        }
        return client
    }

    /// Replaces a client's secret. The one before it is still taken until `oldUntil`; the one
    /// before that no more.
    ///
    /// - Parameter clientID: nil for the only one that acts for the institution.
    /// - Returns: the client's id.
    public mutating func rotateSecret(
        _ reference: String, clientID: String?, secret: SecretDigest, oldUntil: Milliseconds,
        now: Milliseconds
    ) throws(RegistryError) -> String {
        let client = try client(clientID, of: reference)
        clients[client.id]?.secret = secret
        clients[client.id]?.oldSecret =
            oldUntil > now ? ClientRecord.OldSecret(digest: client.secret, until: oldUntil) : nil
        return client.id
    }
}

// MARK: Kill switches

extension RegistryContent {
    /// Revokes all that was issued for the institution until `now`: codes, what becomes of them, CCG
    /// tokens. A moment only rises: what was revoked stays so.
    public mutating func revokeAll(
        ofInstitution reference: String, now: Milliseconds
    ) throws(RegistryError) {
        let until = max(try institution(reference).revokedUntil ?? now, now)
        institutions[reference]?.revokedUntil = until
    }

    /// Revokes all that was issued for the provider until `now`: codes, what becomes of them, CCG
    /// tokens. A moment only rises.
    public mutating func revokeAll(
        ofProvider reference: String, now: Milliseconds
    ) throws(RegistryError) {
        let until = max(try provider(reference).revokedUntil ?? now, now)
        providers[reference]?.revokedUntil = until
    }

    /// Revokes all codes of a consent that were made until `now`, and what becomes of them. A moment only
    /// rises.
    ///
    /// - Parameter reference: the institution that it was given at; nil: at any.
    public mutating func revokeAll(
        ofConsent consentID: String, institution reference: String?, now: Milliseconds
    ) throws(RegistryError) {
        guard (1...128).contains(consentID.unicodeScalars.count) else {
            throw .consentInvalid(consentID)
        }
        var id: Institution.ID?
        if let reference { id = try institution(reference).id }
        let key = ConsentRevocation(consentID: consentID, institution: id)
        revokedConsents[key] = max(revokedConsents[key] ?? now, now)
    }
}
