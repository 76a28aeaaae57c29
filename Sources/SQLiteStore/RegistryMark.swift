// What a store remembers of its registry, so that another one, or an old one, is told from it.
//
// Codes and tokens name institutions and providers by numbers that the registry gives. With another
// registry, or with an old one that counts on, a number would mean somebody else.

import Tokens

/// Which registry it is, and how far it has come.
struct RegistryMark: Equatable, Sendable {
    /// The same random number in the store and in its registry; nil: the registry has not been used
    /// with a store yet, or with 0.7.0 and older only.
    var id: Int64?
    var version: Int64
    /// What the next institution, provider or redirect URI gets.
    var nextNumber: Int64

    /// Makes sure that the registry found at `path` is the one that was seen, or a later state of it.
    ///
    /// - Throws: `StoreFailure` that says what to do.
    func check(_ found: RegistryMark, at path: String, store: String) throws(StoreFailure) {
        guard found.id == id else {
            throw StoreFailure(
                "the registry \(path) does not belong to the store \(store): their ids differ; bring "
                    + "the store's own registry back. \(RegistryMark.reason)", .configuration)
        }
        guard found.version >= version, found.nextNumber >= nextNumber else {
            throw StoreFailure(
                "the registry \(path) is older than the store \(store): it is at version "
                    + "\(found.version), and the store has seen \(version); bring the newer one "
                    + "back. \(RegistryMark.reason)", .configuration)
        }
    }

    /// The registry is not there, though it has been seen.
    static func lost(_ path: String, store: String) -> StoreFailure {
        StoreFailure(
            "the registry \(path) is missing, and the store \(store) was used with it; bring it "
                + "back. \(reason)", .configuration)
    }

    private static let reason =
        "Another one would give tokens of one institution to another. \(FileNames.wayOut)"
}
