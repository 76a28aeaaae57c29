// The stores there are. One more is one more line here, and what opens it.

import Tokens

enum StoreKinds {
    static let all: [StoreKind] = [
        .named("memory", MemoryChoice()),
        SQLiteChoice.kind,
        PostgresChoice.kind,
    ]

    /// What can be written, in one word.
    static let form = all.map(\.form).joined(separator: "|")

    /// The same for commands: what is in memory is the server's alone.
    static let formForCommands = all.map(\.form).filter { $0 != "memory" }.joined(separator: "|")

    /// nil where the text means none.
    ///
    /// - Throws: where it means one, and that cannot be used.
    static func choose(_ text: String) throws(StoreFailure) -> (any StoreChoice)? {
        for kind in all {
            if let choice = try kind.choose(text) { return choice }
        }
        return nil
    }
}
