// A store in a database, as it is copied into a store of another kind.

import Tokens

public final class PostgresCopySource: CopySource {
    private let copy: CopySession
    private let mode: IssuerSettings.Mode

    /// - Throws: `StoreFailure` that says what to do; so while servers run on the database.
    public init(_ settings: ConnectionSettings) throws(StoreFailure) {
        let copy = try CopySession(settings)
        self.copy = copy
        guard let mode = try copy.mode() else {
            copy.close()
            throw StoreFailure("nobody has used the database \(settings.place) yet", .absent)
        }
        self.mode = mode
    }

    public func head() throws(StoreFailure) -> CopiedHead { try copy.head(mode) }

    public func count(of table: CopiedTable) throws(StoreFailure) -> Int {
        try copy.count(of: table)
    }

    public func rows(of table: CopiedTable) throws(StoreFailure) -> any CopiedRows {
        try copy.rows(of: table)
    }

    public func close() { copy.close() }
}
