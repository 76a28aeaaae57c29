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

    /// nil where the text means none.
    ///
    /// - Throws: where it means one, and that cannot be used.
    static func choose(_ text: String) throws(StoreFailure) -> (any StoreChoice)? {
        for kind in all {
            if let choice = try kind.choose(text) { return choice }
        }
        return nil
    }

    /// What to write instead of a text that means none. It does not repeat the text: there may be a
    /// password in it.
    static func advice(for text: String) -> String {
        let isPath =
            !text.contains(":") && (text.contains("/") || text.hasSuffix(".db"))
        let hint =
            isPath
            ? " (is it a path? Then put sqlite: in front)"
            : Nearest.hint(String(text.drop { $0 == ":" }.prefix { $0 != ":" }), all.map(\.name))
        return "this is not a store\(hint); write " + all.map(\.advice).joined(separator: ", or ")
    }
}
