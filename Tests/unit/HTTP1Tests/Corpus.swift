// The conformance corpus of Tests/corpora/conformance, as cases. Its README.md describes the format. A line
// that is not of it is an error with file and line, never skipped.

import Foundation
import Testing

@testable import HTTP1

/// A request and what must be said of it.
struct Case: CustomTestStringConvertible, Sendable {
    var name: String
    var source = ""
    var bytes: [UInt8] = []
    var expected: [Observation] = []

    var testDescription: String { name }

    /// True where another request may stand behind it and must be read.
    var mayBeFollowed: Bool {
        if case .request = expected.last { return true }
        return false
    }

    var isRefused: Bool {
        if case .refused = expected.last { return true }
        return false
    }

    /// What comes out where nothing has to be waited for: nobody is asked to continue.
    var expectedAtOnce: [Observation] {
        guard mayBeFollowed || isRefused else { return expected }
        return expected.filter { $0 != .continueExpected }
    }
}

enum Corpus {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "corpora/conformance")

    private static let loaded = Result { try load() }

    static func cases() throws -> [Case] { try loaded.get() }

    static func refused() throws -> [Case] { try cases().filter(\.isRefused) }

    static func followed() throws -> [Case] { try cases().filter(\.mayBeFollowed) }

    private static func load() throws -> [Case] {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        return try names.filter { $0.hasSuffix(".txt") }.sorted().flatMap { name in
            try parse(String(contentsOf: folder.appending(path: name), encoding: .utf8), of: name)
        }
    }

    /// All errors of the corpus come from here.
    static func parse(_ text: String, of file: String) throws(CorpusError) -> [Case] {
        var parser = CorpusParser()
        var number = 0
        do throws(CorpusError) {
            for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
                number += 1
                try parser.take(line)
            }
            return try parser.finish()
        } catch {
            throw CorpusError("\(file):\(number): \(error)")
        }
    }
}

/// Takes the lines of one file.
private struct CorpusParser {
    private var cases: [Case] = []
    private var current: Case?
    private var request: Observation.Request?
    private var isDone = false

    mutating func take(_ line: Substring) throws(CorpusError) {
        guard line.last?.isWhitespace != true else { throw CorpusError("white space at the end") }
        if line.isEmpty || line.hasPrefix("#") { return }
        if line.hasPrefix("== ") {
            cases += try finishCase()
            current = Case(name: String(line.dropFirst(3)))
            return
        }
        guard current != nil else { throw CorpusError("a line before the first case") }
        let word = line.prefix { $0 != " " }
        let rest = line.dropFirst(word.count + 1)
        switch word {
        case "source": try takeSource(rest)
        case ">":
            guard current?.expected.isEmpty == true, request == nil else {
                throw CorpusError("input behind what comes out")
            }
            current?.bytes += try EscapedBytes.read(rest)
        default: try takeOutcome(word, rest)
        }
    }

    mutating func finish() throws(CorpusError) -> [Case] {
        cases += try finishCase()
        if cases.isEmpty { throw CorpusError("no case") }
        return cases
    }

    private mutating func finishCase() throws(CorpusError) -> [Case] {
        guard let current else { return [] }
        if current.source.isEmpty { throw CorpusError("a case without source before this line") }
        if current.bytes.isEmpty { throw CorpusError("a case without input before this line") }
        if request != nil { throw CorpusError("a request without stays or ends before this line") }
        switch current.expected.last {
        case .request, .refused, .waits: break
        case nil, .continueExpected: throw CorpusError("a case without outcome before this line")
        }
        (self.current, isDone) = (nil, false)
        return [current]
    }

    private mutating func takeSource(_ text: Substring) throws(CorpusError) {
        guard current?.source == "", !text.isEmpty else { throw CorpusError("not one source") }
        current?.source = String(text)
    }

    private mutating func takeOutcome(
        _ word: Substring, _ rest: Substring
    ) throws(CorpusError) {
        if isDone { throw CorpusError("something behind refused or waits") }
        if try takePart(word, rest) { return }
        guard request == nil else { throw CorpusError("a request without stays or ends") }
        switch word {
        case "request":
            let method = rest.prefix { $0 != " " }
            guard let method = Observation.methods[String(method)] else {
                throw CorpusError("an unknown method")
            }
            let path = rest.drop { $0 != " " }.dropFirst()
            request = Observation.Request(method: method, path: try EscapedBytes.read(path))
            return
        case "continue" where rest.isEmpty: current?.expected.append(.continueExpected)
        case "waits" where rest.isEmpty:
            current?.expected.append(.waits)
            isDone = true
        case "refused":
            guard let rule = Observation.rules[String(rest)] else {
                throw CorpusError("an unknown rule")
            }
            current?.expected.append(.refused(rule))
            isDone = true
        default: throw CorpusError("an unknown line")
        }
    }

    /// - Returns: false where the line is no part of a request.
    private mutating func takePart(
        _ word: Substring, _ rest: Substring
    ) throws(CorpusError) -> Bool {
        guard var open = request else { return false }
        switch word {
        case "stays" where rest.isEmpty, "ends" where rest.isEmpty:
            open.keepsAlive = word == "stays"
            current?.expected.append(.request(open))
            request = nil
            return true
        case "body" where open.body.isEmpty: open.body = try EscapedBytes.read(rest)
        case _ where word.hasPrefix("field"):
            guard rest.contains("="), open.body.isEmpty,
                let count = word == "field" ? 1 : Int(word.dropFirst("field*".count))
            else { throw CorpusError("a field that is not name=value, or in the wrong place") }
            let field = try EscapedBytes.read(rest)
            open.fields += [[UInt8]](repeating: field, count: count)
        default: return false
        }
        request = open
        return true
    }
}
