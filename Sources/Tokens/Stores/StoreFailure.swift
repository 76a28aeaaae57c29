// What a person is told where a store cannot be used.

/// Why a store or its registry cannot be opened or used: one sentence that says what to do.
public struct StoreFailure: Error, CustomStringConvertible {
    public let description: String

    public init(_ description: String) {
        self.description = description
    }

    /// - Parameter mode: the name of the one that the store was made in.
    public static func otherMode(
        store: String, madeIn mode: String, wanted: IssuerSettings.Mode
    ) -> StoreFailure {
        StoreFailure(
            "the store \(store) was made in \(mode) mode and is refused in \(wanted.rawValue) mode; "
                + "choose another path")
    }
}
