// The domain's values as they stand in columns.

import Tokens

extension Columns {
    /// The number of an institution, a provider or a redirect URI.
    private func number(_ column: Int32) -> UInt32 {
        UInt32(truncatingIfNeeded: integer(column))
    }

    func institution(_ column: Int32) -> Institution.ID { Institution.ID(number(column)) }

    func provider(_ column: Int32) -> Provider.ID { Provider.ID(number(column)) }

    func redirectURI(_ column: Int32) -> Provider.RedirectURI.ID {
        Provider.RedirectURI.ID(number(column))
    }

    func scope(_ column: Int32) throws(DatabaseError) -> Scope {
        guard let scope = Scope(rawValue: UInt8(truncatingIfNeeded: integer(column))) else {
            throw .corrupt("a scope that no version has written")
        }
        return scope
    }
}
