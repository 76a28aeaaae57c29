// From words to values, for flags, variables and the file alike.

import ArgumentParser
import UV

/// From words to values; each refusal says what would be right.
enum OptionValue {
    @Sendable static func address(_ text: String) throws -> SocketAddress {
        do {
            return try SocketAddress(text)
        } catch {
            throw ValidationError(error.description)
        }
    }

    /// What is refused is not repeated: it may be a URL with a password.
    @Sendable static func store(_ text: String) throws -> StoreChoice {
        if text == "memory" { return .memory }
        let prefix = "sqlite:"
        guard text.hasPrefix(prefix), text.count > prefix.count else {
            throw ValidationError(
                "this is not a store; write memory, or sqlite: and a path such as "
                    + "sqlite:./obie-tokens.db")
        }
        return .sqlite(path: String(text.dropFirst(prefix.count)))
    }

    @Sendable static func auditLog(_ text: String) throws -> AuditLogChoice {
        if text == "none" { return .off }
        guard !text.isEmpty else {
            throw ValidationError("write the path of a file, or none")
        }
        return .file(text)
    }

    @Sendable static func number(_ text: String, _ range: ClosedRange<Int64>) throws -> Int64 {
        guard let number = Int64(text), range.contains(number) else {
            throw ValidationError(
                "'\(text)' is not a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    @Sendable static func lifetime(_ text: String) throws -> TokenLifetime {
        text == "never" ? .never : .seconds(try number(text, 1...3_155_760_000))
    }

    /// Without a trailing slash. All clients see it, so it must not have a password.
    @Sendable static func url(_ text: String) throws -> String {
        guard ["http://", "https://"].contains(where: { text.hasPrefix($0) }),
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            !text.contains(where: { "#?@\"".contains($0) })
        else {
            throw ValidationError(
                "this is not a URL to put a path behind, such as https://tokens.example")
        }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }

    @Sendable static func truth(_ text: String) throws -> Bool {
        switch text {
        case "yes": return true
        case "no": return false
        default: throw ValidationError("'\(text)' is neither yes nor no")
        }
    }

    @Sendable static func keys(_ text: String) throws -> KeySource {
        let prefix = "credential:"
        guard text.hasPrefix(prefix) else {
            guard !text.isEmpty else {
                throw ValidationError("write the path of a file, or credential: and a name")
            }
            return .file(text)
        }
        let name = String(text.dropFirst(prefix.count))
        guard !name.isEmpty, !name.contains("/") else {
            throw ValidationError("write credential: and the name that LoadCredential= has for it")
        }
        return .credential(name)
    }

    /// One of a few words.
    static func choice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
        _: Choice.Type
    ) -> @Sendable (String) throws -> Choice {
        { text in
            if let choice = Choice(rawValue: text) { return choice }
            let words = Choice.allCases.map(\.rawValue)
            throw ValidationError(
                "'\(text)' is none of \(words.joined(separator: ", "))"
                    + Nearest.hint(text, words))
        }
    }
}
