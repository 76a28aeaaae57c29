// The table `meta`: what is known of the database itself, by name.

/// Numbers are written as decimal digits, so that people can read them.
struct Meta {
    enum Name: String {
        /// Says that the tables are ours.
        case program
        /// Of the tables.
        case schemaVersion = "schema_version"
        /// A server that knows this version of the tables, or a newer one, may use them.
        case minimumReader = "minimum_reader"
        /// `sandbox` or `production`, once somebody has used the database.
        case mode
        /// Counts the changes of the registry. Whoever changes it locks this row.
        case registryVersion = "registry_version"
        /// Sixteen random bytes of the last change: a fail-over may lose a change, and the next one
        /// has its version.
        case registryStamp = "registry_stamp"
        /// The number that the next institution, provider or redirect URI gets.
        case nextNumber = "next_number"
    }

    /// Beyond these somebody has written nonsense; what counts on from one of these never overflows.
    static let numbers: ClosedRange<Int64> = 0...(1 << 53)

    let session: BlockingSession

    init(_ session: BlockingSession) { self.session = session }

    /// nil: nobody has written it.
    ///
    /// - Parameter locks: nobody else changes it before the transaction ends. Waits for whoever does.
    func bytes(_ name: Name, locks: Bool = false) throws(SessionError) -> [UInt8]? {
        try session.run(
            "SELECT value FROM meta WHERE name = \(name.literal)\(locks ? " FOR UPDATE" : "")"
        ).first?.bytes(0)
    }

    func number(_ name: Name, locks: Bool = false) throws(SessionError) -> Int64? {
        try bytes(name, locks: locks).flatMap { Int64(String(decoding: $0, as: UTF8.self)) }
            .flatMap { Meta.numbers.contains($0) ? $0 : nil }
    }

    /// The same, of what is there since the tables were made.
    ///
    /// - Throws: `SessionError.noData` where somebody has removed it.
    func required(_ name: Name, locks: Bool = false) throws(SessionError) -> Int64 {
        guard let number = try number(name, locks: locks) else { throw Meta.lost(name) }
        return number
    }

    static func lost(_ name: Name) -> SessionError {
        SessionError(state: SessionError.noData, description: "meta has no \(name.rawValue)")
    }

    func set(_ name: Name, _ bytes: [UInt8]) throws(SessionError) {
        try session.run(
            """
            INSERT INTO meta VALUES (\(name.literal), $1)
            ON CONFLICT (name) DO UPDATE SET value = excluded.value
            """, .bytes(bytes))
    }

    func set(_ name: Name, _ number: Int64) throws(SessionError) {
        try set(name, Array("\(number)".utf8))
    }
}

extension Meta.Name {
    /// As SQL has it: our own words have no quotes in them.
    var literal: String { "'\(rawValue)'" }
}
