// Whose world a database is: the first who uses it says so, for ever.

import System
import Tokens

enum RegistryMode {
    /// Finds the mode, or writes it where nobody has used the database before. A new one for the sandbox
    /// has the sandbox's well-known names in it.
    ///
    /// - Parameter wanted: nil takes any, and makes it production.
    /// - Throws: `StoreFailure` where it is the other one.
    static func settle(
        _ session: BlockingSession, _ wanted: IssuerSettings.Mode?, _ place: String
    ) throws -> (mode: IssuerSettings.Mode, isNew: Bool) {
        if let mode = try PostgresRegistry.mode(session) {
            return (try check(mode, wanted, place), false)
        }
        return try session.transaction(.writing) {
            _ = try Meta(session).required(.registryVersion, locks: true)
            // Somebody else may have been faster.
            if let mode = try PostgresRegistry.mode(session) {
                return (try check(mode, wanted, place), false)
            }
            let mode = wanted ?? .production
            try Meta(session).set(.mode, Array(mode.rawValue.utf8))
            if mode == .sandbox {
                var stamp = [UInt8](repeating: 0, count: 16)
                SystemRandom.fill(&stamp)
                try RegistryWriting(session).write(
                    .sandbox, over: RegistryContent(mode: mode), stamp: stamp)
            }
            return (mode, true)
        }
    }

    /// Writes the mode with the first change, in its transaction, which has locked the version.
    ///
    /// - Throws: `StoreFailure` where somebody else was faster, and took the other one.
    static func take(
        _ mode: IssuerSettings.Mode, _ session: BlockingSession, _ place: String
    ) throws {
        if let found = try PostgresRegistry.mode(session) {
            _ = try check(found, mode, place)
        } else {
            try Meta(session).set(.mode, Array(mode.rawValue.utf8))
        }
    }

    private static func check(
        _ mode: IssuerSettings.Mode, _ wanted: IssuerSettings.Mode?, _ place: String
    ) throws(StoreFailure) -> IssuerSettings.Mode {
        guard let wanted, wanted != mode else { return mode }
        throw StoreFailure(
            "the database \(place) is used in \(mode.rawValue) mode and is refused in "
                + "\(wanted.rawValue) mode; set the mode to \(mode.rawValue), or choose another database",
            .configuration)
    }
}
