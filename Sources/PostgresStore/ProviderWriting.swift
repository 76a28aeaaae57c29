// The providers of a change as rows. There may be 100,000 of them, so each statement writes many.

import Tokens

struct ProviderWriting {
    private let session: BlockingSession

    init(_ session: BlockingSession) { self.session = session }

    func write(_ difference: ProviderDifference) throws(SessionError) {
        for records in ProviderWriting.batches(difference.deleted) {
            let ids = SQLValue.numbers(records.map { Int64($0.id.number) })
            try session.run("DELETE FROM redirect_uris WHERE provider = ANY($1)", ids)
            try session.run("DELETE FROM providers WHERE id = ANY($1)", ids)
        }
        for records in ProviderWriting.batches(difference.updated) { try update(records) }
        for records in ProviderWriting.batches(difference.inserted) { try insert(records) }
    }

    /// Providers that one statement writes, which is some megabytes. PostgreSQL may read the whole table for
    /// each, since it does not know how many of it are meant.
    private static let batchMax = 10_000

    private static func batches(_ records: [ProviderRecord]) -> [ArraySlice<ProviderRecord>] {
        stride(from: 0, to: records.count, by: batchMax).map {
            records[$0..<min($0 + batchMax, records.count)]
        }
    }

    private func update(_ records: ArraySlice<ProviderRecord>) throws(SessionError) {
        try session.run(
            """
            UPDATE providers SET disabled = p.disabled <> 0, revoked_until = p.revoked_until,
                withdrawn = p.withdrawn <> 0, services = p.services, name = p.name
            FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[],
                $6::bytea[]) AS p(id, disabled, revoked_until, withdrawn, services, name)
            WHERE providers.id = p.id
            """, [.numbers(records.map { Int64($0.id.number) })] + terms(records))
    }

    private func insert(_ records: ArraySlice<ProviderRecord>) throws(SessionError) {
        try session.run(
            """
            INSERT INTO providers (id, reference, disabled, revoked_until, withdrawn, services, name)
            SELECT id, reference, disabled <> 0, revoked_until, withdrawn <> 0, services, name
            FROM unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[],
                $6::bigint[], $7::bytea[])
                AS p(id, reference, disabled, revoked_until, withdrawn, services, name)
            """,
            [
                .numbers(records.map { Int64($0.id.number) }),
                .manyBytes(records.map { Array($0.reference.utf8) }),
            ] + terms(records))
        let uris = records.flatMap { record in record.redirectURIs.map { (record.id, $0) } }
        try session.run(
            """
            INSERT INTO redirect_uris (id, provider, uri)
            SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])
            """,
            .numbers(uris.map { Int64($1.id.number) }),
            .numbers(uris.map { id, _ in Int64(id.number) }),
            .manyBytes(uris.map { Array($1.text.utf8) }))
    }

    /// Five columns, in the order of the table.
    private func terms(_ records: ArraySlice<ProviderRecord>) -> [SQLValue] {
        [
            .numbers(records.map { $0.isDisabled ? 1 : 0 }),
            .numbers(records.map(\.revokedUntil)),
            .numbers(records.map { $0.authorisation.status == .withdrawn ? 1 : 0 }),
            .numbers(records.map { Int64($0.authorisation.services.rawValue) }),
            .manyBytes(records.map { $0.name.map { Array($0.utf8) } }),
        ]
    }
}
