// What commands say of texts that others have written: on one line, and nothing that a terminal obeys.

enum OneLine {
    /// A sentence longer than that is about a text that nobody reads to its end.
    static let charactersMax = 4000

    /// Line breaks, control characters and invisible ones as their numbers, such as `\u{1B}`; and cut.
    static func printable(_ text: String) -> String {
        var line = ""
        for scalar in text.unicodeScalars.prefix(charactersMax) {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
                .unassigned:
                line += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
            default: line.unicodeScalars.append(scalar)
            }
        }
        let isCut = text.unicodeScalars.dropFirst(charactersMax).first != nil
        return isCut ? line + "…" : line
    }
}
