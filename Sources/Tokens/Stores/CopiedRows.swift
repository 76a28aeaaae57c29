// What one store hands to another of another kind: rows of tables that both have, and what stands beside
// them. Rows know codes and tokens by their digests, as both stores do.

/// A table that is copied row by row. Its name, and those of its columns, are the same in all stores.
public enum CopiedTable: String, CaseIterable, Sendable {
    case codes
    case tokens
    case ccgTokens = "ccg_tokens"
    case revokedConsents = "revoked_consents"

    public struct Column: Sendable {
        public enum Kind: Sendable { case number, smallNumber, text, bytes }
        public let name: String
        public let kind: Kind

        fileprivate init(_ name: String, _ kind: Kind = .number) {
            (self.name, self.kind) = (name, kind)
        }
    }

    /// The first two are the key. Its order is that of its bytes, so it is the same in all stores.
    public var columns: [Column] {
        let row = [Column("issued_at"), Column("digest", .bytes)]
        let names = [Column("institution"), Column("provider")]
        let consent = [Column("consent", .text), Column("account", .text)]
        return switch self {
        case .codes:
            row + names + [Column("redirect_uri"), Column("scope", .smallNumber)] + consent
                + [
                    Column("state", .text), Column("expires_at"), Column("token_issued_at"),
                    Column("token_digest", .bytes),
                ]
        case .tokens:
            row + names + [Column("scope", .smallNumber)] + consent
                + [Column("expires_at"), Column("code_issued_at"), Column("holder", .bytes)]
        case .ccgTokens: row + names + [Column("expires_at")]
        case .revokedConsents:
            [Column("consent", .text), Column("institution"), Column("revoked_until")]
        }
    }

    /// For a statement.
    public var columnNames: String { columns.map(\.name).joined(separator: ", ") }

    /// For people.
    public var noun: String {
        rawValue.split { $0 == "_" }.map { $0 == "ccg" ? "CCG" : $0 }.joined(separator: " ")
    }
}

/// Of one column. Text is its bytes: whatever they are, they are copied.
public enum CopiedValue: Equatable, Sendable {
    case number(Int64)
    case bytes([UInt8])
    case nothing
}

/// One for each column.
public typealias CopiedRow = [CopiedValue]

/// What a store knows besides its rows.
public struct CopiedHead: Equatable, Sendable {
    /// Stores may list keys that have sealed at the same time in another order.
    public static func == (one: CopiedHead, other: CopiedHead) -> Bool {
        func byName(_ keys: KeyHistory) -> [KeyRecord] {
            keys.records.sorted { $0.fingerprint.text < $1.fingerprint.text }
        }
        return one.registry == other.registry && byName(one.keys) == byName(other.keys)
    }

    public var mode: IssuerSettings.Mode { registry.mode }
    /// Without the revoked consents, which are rows.
    public let registry: RegistryContent
    public let keys: KeyHistory

    public init(registry: RegistryContent, keys: KeyHistory) {
        (self.registry, self.keys) = (registry, keys)
    }
}

/// The rows of a table in the order of the key, from the first one on.
public protocol CopiedRows: AnyObject {
    /// The next rows, exactly as many as were asked for, or all that are left.
    func next(_ count: Int) throws(StoreFailure) -> [CopiedRow]
}

/// A store that nobody else uses, read as it stands at one moment. One thread; blocks.
public protocol CopySource: AnyObject {
    func head() throws(StoreFailure) -> CopiedHead
    func count(of table: CopiedTable) throws(StoreFailure) -> Int
    func rows(of table: CopiedTable) throws(StoreFailure) -> any CopiedRows
    /// Lets others use the store again. Call once, last.
    func close()
}

/// An empty store that nobody else uses. It can be read while it is filled, by this process alone.
public protocol CopyTarget: CopySource {
    /// Comes first.
    ///
    /// - Throws: where the store was made in another mode.
    func write(_ head: CopiedHead) throws(StoreFailure)

    func append(_ rows: [CopiedRow], to table: CopiedTable) throws(StoreFailure)

    /// All of it is there from now on, and on disk. Without it `close` leaves nothing.
    ///
    /// - Returns: what people have to know of it; nil where all is well.
    func finish() throws(StoreFailure) -> String?
}
