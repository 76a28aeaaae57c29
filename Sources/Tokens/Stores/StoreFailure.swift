// What a person is told where a store cannot be used.

/// Why a store or its registry cannot be opened or used: one sentence that says what to do.
public struct StoreFailure: Error, CustomStringConvertible {
    /// What has to change.
    public enum Kind: Sendable {
        /// The system or a file fails.
        case system
        /// The user may not use a file.
        case rights
        /// What was chosen, or what lies there, does not belong together.
        case configuration
        /// What a command is about is not there.
        case absent
        /// A file that was to be made is there already.
        case existing
        /// A change has happened or has not, and nobody knows which.
        case uncertain
    }

    public let description: String
    public let kind: Kind

    public init(_ description: String, _ kind: Kind = .system) {
        self.description = description
        self.kind = kind
    }

    /// - Parameter mode: the name of the one that the store was made in.
    public static func otherMode(
        store: String, madeIn mode: String, wanted: IssuerSettings.Mode
    ) -> StoreFailure {
        StoreFailure(
            "the store \(store) was made in \(mode) mode and is refused in \(wanted.rawValue) mode; "
                + "set the mode to \(mode), or choose another path")
    }
}
