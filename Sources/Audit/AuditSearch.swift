// Finds the line behind an error id that a caller reports, and says in words what it means.

import Tokens

/// A line that carries the error id.
public struct AuditMatch: Equatable, Sendable {
    /// Counted from 1.
    public let line: Int
    /// Several lines of text, the first without indentation. What clients chose stands in it
    /// escaped as in the log.
    public let explanation: String
}

public enum AuditSearch {
    /// Matches beyond this are not looked for: an id occurs once, unless somebody copies lines.
    public static let matchesMax = 100

    /// True for 32 hexadecimal digits in groups of 8-4-4-4-12.
    public static func isErrorID(_ text: String) -> Bool {
        SealedIdentifier(token: Array(text.lowercased().utf8).span) != nil
    }

    /// Reads the whole file, in bounded memory. Blocks.
    ///
    /// - Parameter errorID: of an error object, as `isErrorID` takes it.
    /// - Throws: `AuditFailure` where the file cannot be read.
    public static func find(
        _ errorID: String, in path: String
    ) throws(AuditFailure) -> [AuditMatch] {
        let id = errorID.lowercased()
        // Within a text a quote is escaped, so no client can bring this about.
        let needle = Array("{\"id\":\"\(id)\"".utf8)
        var reader = try AuditReader(path)
        var number = 0
        var matches: [AuditMatch] = []
        while matches.count < matchesMax, let line = try reader.next() {
            number += 1
            guard case .whole(let bytes) = line, contains(bytes, needle),
                let parsed = AuditLine(bytes)
            else { continue }
            matches.append(
                AuditMatch(line: number, explanation: explain(parsed, id: id, number: number)))
        }
        return matches
    }

    private static func contains(_ line: ArraySlice<UInt8>, _ needle: [UInt8]) -> Bool {
        let (line, needle) = (line.span, needle.span)
        var at = 0
        while at <= line.count - needle.count {
            // An opening brace is rare in a line.
            if line[at] == needle[0] {
                var length = 1
                while length < needle.count, line[at + length] == needle[length] { length += 1 }
                if length == needle.count { return true }
            }
            at += 1
        }
        return false
    }

    private static let labels: [(member: String, label: String)] = [
        ("redirect_uri", "redirect URI"), ("code_redirect_uri", "the code's"),
        ("client", "client"), ("peer", "address"), ("fi", "institution"), ("psp", "provider"),
        ("consent", "consent"),
        ("scope", "scope"), ("code", "code digest"), ("token", "token digest"),
        ("transaction_reference", "transaction"), ("interaction_id", "interaction"),
        ("request_id", "request"), ("trace_id", "trace"),
        ("change", "change"), ("actor", "by"),
    ]

    private static func explain(_ line: AuditLine, id: String, number: Int) -> String {
        let event = line["event"] ?? ""
        var text = "line \(number), \(line["time"] ?? ""): \(AuditSentences.event(event))"
        func append(_ label: String, _ value: String) {
            let padding = String(repeating: " ", count: max(1, 13 - label.count))
            text += "\n  \(label)\(padding)\(value)"
        }
        if let reason = line["reason"] { append("why", AuditSentences.reason(reason)) }
        for error in line.errors {
            append("error", "\(error.id) \(error.code)\(error.id == id ? "  <- this one" : "")")
        }
        for (member, label) in labels {
            if let value = line[member] { append(label, value) }
        }
        return text
    }
}
