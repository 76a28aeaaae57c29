// From words to values, for flags, variables and the file alike.

import ArgumentParser
import Crypto
import Server
import System
import Tokens
import UV

enum AuditLogChoice: Sendable {
    /// Beside a store on disk in production mode, otherwise none.
    case byMode
    case off
    case file(String)
}

enum AuditChoice: String, CaseIterable, Sendable { case relaxed, strict }

/// Parsers. Each refusal says what would be right.
enum SettingValue {
    typealias Parser<Value> = @Sendable (String) throws(ValidationError) -> Value

    @Sendable static func address(_ text: String) throws(ValidationError) -> SocketAddress {
        do {
            return try SocketAddress(text)
        } catch {
            throw ValidationError(error.description)
        }
    }

    /// The message does not repeat the text: it may be a URL with a password.
    @Sendable static func store(_ text: String) throws(ValidationError) -> any StoreChoice {
        let choice: (any StoreChoice)?
        do throws(StoreFailure) {
            choice = try StoreKinds.choose(text)
        } catch {
            throw ValidationError(error.description)
        }
        guard let choice else { throw ValidationError(storeAdvice(for: text)) }
        return choice
    }

    /// What to write instead of a text that means none. It does not repeat the text: there may be a
    /// password in it.
    static func storeAdvice(for text: String) -> String {
        let isPath =
            !text.contains(":") && (text.contains("/") || text.hasSuffix(".db"))
        let hint =
            isPath
            ? " (is it a path? Then put sqlite: in front)"
            : Nearest.hint(
                String(text.drop { $0 == ":" }.prefix { $0 != ":" }), StoreKinds.all.map(\.name))
        return "this is not a store\(hint); write "
            + StoreKinds.all.map(\.advice).joined(separator: ", or ")
    }

    @Sendable static func auditLog(_ text: String) throws(ValidationError) -> AuditLogChoice {
        if text == "none" { return .off }
        guard !text.isEmpty else {
            throw ValidationError("write the path of a file, or none")
        }
        return .file(text)
    }

    @Sendable static func certificateField(
        _ text: String
    ) throws(ValidationError) -> CertificateField? {
        if text == "none" { return nil }
        guard !CertificateField.isTaken(text.lowercased()) else {
            throw ValidationError(
                "the header '\(text)' means something else, so no proxy can pass a certificate on in it; "
                    + "let the proxy write another one, such as x-ssl-client-cert, and name that")
        }
        guard
            let field = CertificateField(text.lowercased(), digest: { OpenSSL().digest($0) })
        else {
            throw ValidationError(
                "'\(text)' is no name of a header of up to \(CertificateField.nameLengths.upperBound) "
                    + "characters, such as client-cert" + Nearest.hint(text, ["none"]))
        }
        return field
    }

    @Sendable static func path(_ text: String) throws(ValidationError) -> String? {
        guard !text.isEmpty else { throw ValidationError("write the path of a file") }
        return text
    }

    static func number(_ range: ClosedRange<Int64>) -> Parser<Int64> {
        { (text) throws(ValidationError) in
            guard let number = Int64(text), range.contains(number), !text.hasPrefix("+") else {
                throw ValidationError(
                    "'\(text)' is not a whole number from \(range.lowerBound) to "
                        + "\(range.upperBound)")
            }
            return number
        }
    }

    /// Seconds that somebody has to ask for.
    static func optionalSeconds(_ range: ClosedRange<Int64>) -> Parser<Int64?> {
        { (text) throws(ValidationError) in try DurationText.seconds(text, in: range) }
    }

    @Sendable static func proxies(_ text: String) throws(ValidationError) -> TrustedProxies {
        if text == "none" { return .none }
        do throws(TrustedProxies.Malformed) {
            return try TrustedProxies(text)
        } catch {
            throw ValidationError(error.description + Nearest.hint(text, ["none"]))
        }
    }

    /// A time, in seconds.
    static func seconds(_ range: ClosedRange<Int64>) -> Parser<Int64> {
        { (text) throws(ValidationError) in try DurationText.seconds(text, in: range) }
    }

    /// A number of things.
    static func count(_ range: ClosedRange<Int64>) -> Parser<Int?> {
        { (text) throws(ValidationError) in Int(try number(range)(text)) }
    }

    /// Seconds; nil for a token that never expires.
    @Sendable static func lifetime(_ text: String) throws(ValidationError) -> Int64? {
        if text == "never" { return nil }
        // What has no digit in front was meant for the word.
        guard text.first?.isNumber == false, !text.hasPrefix("-") else {
            return try seconds(1...3_155_760_000)(text)
        }
        throw ValidationError(
            "'\(text)' is neither a time such as 3600, 60m or 360d, nor never"
                + Nearest.hint(text, ["never"]))
    }

    /// Without a trailing slash. All clients see it, so it must not have a password.
    @Sendable static func url(_ text: String) throws(ValidationError) -> String? {
        guard ["http://", "https://"].contains(where: { text.hasPrefix($0) }),
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            !text.contains(where: { "#?@\"".contains($0) })
        else {
            throw ValidationError(
                "this is not a URL to put a path behind, such as https://tokens.example")
        }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }

    /// With the words of YAML: it makes `true` of a `yes` that somebody has written without quotes.
    @Sendable static func truth(_ text: String) throws(ValidationError) -> Bool {
        switch text.lowercased() {
        case "yes", "true", "on": return true
        case "no", "false", "off": return false
        default:
            throw ValidationError(
                "'\(text)' is neither yes nor no"
                    + Nearest.hint(text, ["yes", "no", "true", "false", "on", "off"]))
        }
    }

    @Sendable static func keys(_ text: String) throws(ValidationError) -> KeySource {
        switch try source(text) {
        case .file(let path): .file(path)
        case .credential(let name): .credential(name)
        }
    }

    @Sendable static func secret(_ text: String) throws(ValidationError) -> SecretSource? {
        try source(text)
    }

    private static func source(_ text: String) throws(ValidationError) -> SecretSource {
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

    @Sendable static func logFormat(_ text: String) throws(ValidationError) -> Logger.Format {
        let auto = ("auto", Terminal.isErrorShown ? Logger.Format.text : .json)
        return try word([auto] + Logger.Format.allCases.map { ($0.rawValue, $0) })(text)
    }

    /// One of a few words, each with its value.
    static func word<Value: Sendable>(_ choices: [(String, Value)]) -> Parser<Value> {
        { (text) throws(ValidationError) in
            if let choice = choices.first(where: { $0.0 == text }) { return choice.1 }
            let words = choices.map(\.0)
            throw ValidationError(
                "'\(text)' is none of \(words.joined(separator: ", "))" + Nearest.hint(text, words))
        }
    }
}
