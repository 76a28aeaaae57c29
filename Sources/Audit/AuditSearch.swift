// Finds lines by what callers and operators know, and says in words what they mean.

import Tokens

/// A line that was looked for.
public struct AuditMatch: Equatable, Sendable {
    public let path: String
    /// Counted from 1 in its file.
    public let number: Int
    /// As it stands in the log, without its end.
    public let line: String
    /// Several lines of text, the first without indentation. What clients chose stands in it
    /// escaped as in the log.
    public let explanation: String
}

public enum AuditSearch {
    /// Reads all files, in bounded memory. Blocks.
    ///
    /// - Parameters:
    ///   - paths: in the order in which they are to be read.
    ///   - found: is given each line that fits, in order.
    /// - Throws: `AuditFailure` where a file cannot be read, or is no audit log.
    public static func find(
        _ query: AuditQuery, in paths: [String], found: (AuditMatch) -> Void
    ) throws(AuditFailure) {
        let (needles, names) = (query.needles, query.names)
        for path in paths {
            var reader = try AuditReader(path)
            var number = 0
            var isOurs = false
            while let line = try reader.next() {
                number += 1
                isOurs = isOurs || mayBeOurs(line)
                guard case .whole(let bytes) = line, query.isInTime(bytes),
                    needles.allSatisfy({ contains(bytes, $0) }),
                    mayBeAbout(names, bytes), let parsed = AuditLine(bytes),
                    names.allSatisfy({
                        contains(bytes, $0.needle) || $0.isNamed(inChangeOf: parsed)
                    })
                else { continue }
                let place = paths.count > 1 ? "\(path), line \(number)" : "line \(number)"
                found(
                    AuditMatch(
                        path: path, number: number, line: String(decoding: bytes, as: UTF8.self),
                        explanation: explain(parsed, id: query.errorID?.lowercased(), place)))
            }
            if number > 0, !isOurs {
                throw AuditFailure("\(path) is no audit log: none of its lines is one of a log")
            }
        }
    }

    /// A crash may have left a part of it.
    private static func mayBeOurs(_ line: AuditReader.Line) -> Bool {
        switch line {
        case .whole(let bytes): AuditChain.previous(of: bytes) != nil
        case .tooLong: false
        case .torn: true
        }
    }

    private static let change = Array(#","change":"#.utf8)

    /// Without reading the line: most have nothing that is looked for.
    private static func mayBeAbout(_ names: [AuditName], _ line: ArraySlice<UInt8>) -> Bool {
        names.allSatisfy { contains(line, $0.needle) } || contains(line, change)
    }

    private static func contains(_ line: ArraySlice<UInt8>, _ needle: [UInt8]) -> Bool {
        let (line, needle) = (line.span, needle.span)
        var at = 0
        while at <= line.count - needle.count {
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
        ("version", "version"), ("mode", "mode"), ("store", "store"), ("process", "process"),
        ("change", "change"), ("registry_version", "registry"), ("actor", "by"),
    ]

    private static func explain(_ line: AuditLine, id: String?, _ place: String) -> String {
        let event = line["event"] ?? ""
        var text = "\(place), \(line["time"] ?? ""): \(AuditSentences.event(event))"
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
