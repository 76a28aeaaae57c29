// The registry from its rows. In a transaction that somebody else begins and ends.

import Tokens

enum RegistryReading {
    /// All of it, and the stamp of its last change.
    static func read(
        _ session: BlockingSession, _ mode: IssuerSettings.Mode
    ) throws(SessionError) -> (content: RegistryContent, stamp: [UInt8]) {
        let meta = Meta(session)
        var content = RegistryContent(mode: mode)
        content.version = try meta.required(.registryVersion)
        content.nextNumber = UInt32(truncatingIfNeeded: try meta.required(.nextNumber))
        let institutions = try session.run(
            "SELECT id, reference, disabled, revoked_until FROM institutions")
        for row in institutions {
            let reference = row.text(1) ?? ""
            content.institutions[reference] = InstitutionRecord(
                id: Institution.ID(row.domainNumber(0)), reference: reference,
                isDisabled: row.truth(2), revokedUntil: row.number(3))
        }
        try readProviders(session, &content)
        try readClients(session, &content)
        content.removedInstitutions = try readRemoved(session, .institution)
        content.removedProviders = try readRemoved(session, .provider)
        return (content, try meta.bytes(.registryStamp) ?? [])
    }

    private static func readProviders(
        _ session: BlockingSession, _ content: inout RegistryContent
    ) throws(SessionError) {
        var uris: [Provider.ID: [Provider.RedirectURI]] = [:]
        try session.each("SELECT id, provider, uri FROM redirect_uris ORDER BY id") { rows, row in
            let id = Provider.RedirectURI.ID(rows.domainNumber(row, 0))
            uris[Provider.ID(rows.domainNumber(row, 1)), default: []].append(
                Provider.RedirectURI(id: id, text: rows.text(row, 2) ?? ""))
        }
        try session.each(
            """
            SELECT id, reference, disabled, revoked_until, withdrawn, services, name FROM providers
            """
        ) { rows, row in
            let id = Provider.ID(rows.domainNumber(row, 0))
            let reference = rows.text(row, 1) ?? ""
            let services = Services(
                rawValue: UInt8(truncatingIfNeeded: rows.number(row, 5) ?? 0))
            content.providers[reference] = ProviderRecord(
                id: id, reference: reference, name: rows.text(row, 6),
                redirectURIs: uris[id] ?? [],
                authorisation: Authorisation(
                    status: rows.truth(row, 4) ? .withdrawn : .authorised, services: services),
                isDisabled: rows.truth(row, 2), revokedUntil: rows.number(row, 3))
        }
    }

    private static func readClients(
        _ session: BlockingSession, _ content: inout RegistryContent
    ) throws(SessionError) {
        var rights: [String: Set<Institution.ID>] = [:]
        for row in try session.run("SELECT client, institution FROM client_institutions") {
            rights[row.text(0) ?? "", default: []].insert(Institution.ID(row.domainNumber(1)))
        }
        var rules: [String: CertificateRule] = [:]
        for row in try session.run("SELECT client, rule FROM client_certificates") {
            guard let client = row.text(0),
                let rule = row.text(1).flatMap({ CertificateRule(text: $0) })
            else {
                // Without it the client would need its secret alone.
                throw SessionError(description: "a certificate rule that no version has written")
            }
            rules[client] = rule
        }
        let rows = try session.run("SELECT id, secret, old_secret, old_secret_until FROM clients")
        for row in rows {
            let id = row.text(0) ?? ""
            let old = row.number(3).map { until in
                ClientRecord.OldSecret(
                    digest: SecretDigest(bytes: row.bytes(2) ?? []), until: until)
            }
            content.clients[id] = ClientRecord(
                id: id, secret: SecretDigest(bytes: row.bytes(1) ?? []), oldSecret: old,
                institutions: rights[id] ?? [], certificate: rules[id])
        }
    }

    private static func readRemoved(
        _ session: BlockingSession, _ kind: RemovedKind
    ) throws(SessionError) -> Set<String> {
        let rows = try session.run(
            "SELECT reference FROM removed WHERE kind = $1", .number(kind.rawValue))
        return Set(rows.compactMap { $0.text(0) })
    }
}

/// Whose name a row of `removed` has.
enum RemovedKind: Int64 {
    case institution = 1
    case provider = 2
}

extension SQLRow {
    /// The number of an institution, a provider or a redirect URI.
    func domainNumber(_ column: Int) -> UInt32 { UInt32(truncatingIfNeeded: number(column) ?? 0) }
}

extension ResultRows {
    fileprivate func domainNumber(_ row: Int32, _ column: Int32) -> UInt32 {
        UInt32(truncatingIfNeeded: number(row, column) ?? 0)
    }
}
