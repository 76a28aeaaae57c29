// A change of the registry as rows: those in which two contents differ. In a transaction that somebody else
// begins and ends.

import Tokens

struct RegistryWriting {
    private let session: BlockingSession

    init(_ session: BlockingSession) { self.session = session }

    /// Writes `content` over `before`, which is what the tables have.
    ///
    /// - Parameter stamp: tells this change from all others.
    func write(
        _ content: RegistryContent, over before: RegistryContent, stamp: [UInt8]
    ) throws(SessionError) {
        let meta = Meta(session)
        try meta.set(.registryVersion, content.version)
        try meta.set(.registryStamp, stamp)
        try meta.set(.nextNumber, Int64(content.nextNumber))
        let institutions = RegistryWriting.difference(before.institutions, content.institutions)
        try session.runAll("DELETE FROM institutions WHERE id = $1", institutions.compactMap(\.old))
        {
            [.number(Int64($0.id.number))]
        }
        try session.runAll(
            "INSERT INTO institutions VALUES ($1, $2, $3 <> 0, $4)", institutions.compactMap(\.new)
        ) {
            [
                .number(Int64($0.id.number)), .text($0.reference),
                .number($0.isDisabled ? 1 : 0), .number($0.revokedUntil),
            ]
        }
        try ProviderWriting(session).write(
            ProviderDifference(from: before.providers, to: content.providers))
        try writeClients(RegistryWriting.difference(before.clients, content.clients))
        try writeRemoved(.institution, before.removedInstitutions, content.removedInstitutions)
        try writeRemoved(.provider, before.removedProviders, content.removedProviders)
        try revoke(content.revokedConsents)
    }

    /// What to delete and what to insert for each record that is not the same.
    private static func difference<Record: Equatable>(
        _ before: [String: Record], _ after: [String: Record]
    ) -> [(old: Record?, new: Record?)] {
        var pairs: [(Record?, Record?)] = []
        for (key, new) in after where before[key] != new { pairs.append((before[key], new)) }
        for (key, old) in before where after[key] == nil { pairs.append((old, nil)) }
        return pairs
    }

    private func writeClients(
        _ pairs: [(old: ClientRecord?, new: ClientRecord?)]
    ) throws(SessionError) {
        for old in pairs.compactMap(\.old) {
            try session.run(
                "DELETE FROM client_institutions WHERE client = $1", .text(old.id))
            try session.run("DELETE FROM client_certificates WHERE client = $1", .text(old.id))
            try session.run("DELETE FROM clients WHERE id = $1", .text(old.id))
        }
        for new in pairs.compactMap(\.new) {
            try session.run(
                "INSERT INTO clients VALUES ($1, $2, $3, $4)", .text(new.id),
                .bytes(new.secret.bytes), .bytes(new.oldSecret?.digest.bytes),
                .number(new.oldSecret?.until))
            if let rule = new.certificate {
                try session.run(
                    """
                    INSERT INTO client_certificates VALUES ($1, $2)
                    ON CONFLICT (client) DO UPDATE SET rule = excluded.rule
                    """, .text(new.id), .text(rule.text))
            }
            try session.runAll(
                "INSERT INTO client_institutions VALUES ($1, $2)", Array(new.institutions)
            ) { [.text(new.id), .number(Int64($0.number))] }
        }
    }

    private func writeRemoved(
        _ kind: RemovedKind, _ before: Set<String>, _ after: Set<String>
    ) throws(SessionError) {
        let number = SQLValue.number(kind.rawValue)
        try session.runAll(
            "INSERT INTO removed VALUES ($1, $2)", Array(after.subtracting(before))
        ) { [number, .text($0)] }
        try session.runAll(
            "DELETE FROM removed WHERE kind = $1 AND reference = $2",
            Array(before.subtracting(after))
        ) { [number, .text($0)] }
    }

    /// Consents are revoked where their codes are, in the transaction of the change: no server has to hand
    /// them over. A moment only rises.
    private func revoke(
        _ consents: [ConsentRevocation: Milliseconds]
    ) throws(SessionError) {
        try session.runAll(
            """
            INSERT INTO revoked_consents VALUES ($1, $2, $3)
            ON CONFLICT (consent, institution) DO UPDATE SET revoked_until = excluded.revoked_until
            WHERE excluded.revoked_until > revoked_consents.revoked_until
            """, Array(consents)
        ) { consent, until in
            // 0 stands for any institution.
            [
                .text(consent.consentID),
                .number(consent.institution.map { Int64($0.number) } ?? 0),
                .number(until),
            ]
        }
    }
}

extension BlockingSession {
    /// Runs one statement for each of some things.
    fileprivate func runAll<Element>(
        _ sql: String, _ elements: [Element], _ values: (Element) -> [SQLValue]
    ) throws(SessionError) {
        for element in elements { try run(sql, values(element)) }
    }
}
