// What the picture in the README says, held to by reading the sources: module edges, sizes, banned
// imports, where `unsafe` may stand.

import Foundation
import Testing

private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

struct SourceFile: CustomTestStringConvertible, Sendable {
    let path: String
    let module: String
    let lines: [String]
    var testDescription: String { path }

    static func all(below folder: String) -> [SourceFile] {
        let base = root.appending(path: folder)
        let names = FileManager.default.enumerator(atPath: base.path)?.compactMap { $0 as? String }
        return (names ?? []).filter { $0.hasSuffix(".swift") }.sorted().map { name in
            let text = try? String(contentsOf: base.appending(path: name), encoding: .utf8)
            return SourceFile(
                path: "\(folder)/\(name)", module: String(name.prefix { $0 != "/" }),
                lines: (text ?? "").components(separatedBy: "\n"))
        }
    }

    var code: [String] {
        lines.map { line in
            line.range(of: "//").map { String(line[..<$0.lowerBound]) } ?? line
        }
    }

    var imports: [String] {
        code.compactMap { line in
            let words = line.split(separator: " ").map(String.init)
            guard let at = words.firstIndex(of: "import"), at + 1 < words.count,
                words[..<at].allSatisfy({ $0.hasPrefix("@") || $0 == "public" })
            else { return nil }
            return words[at + 1]
        }
    }
}

@Suite struct TidyTests {
    static let sources = SourceFile.all(below: "Sources")
    static let tests = SourceFile.all(below: "Tests")

    /// The only legal edges.
    static let edges: [String: Set<String>] = [
        "Bytes": [],
        "System": ["Bytes", "CSystem", "Glibc"],
        "UV": ["CLibUV", "Glibc", "Synchronization", "System"],
        "HTTP1": ["Bytes"],
        "Tokens": ["Bytes", "Crypto", "CryptoExtras", "Synchronization"],
        "Metrics": ["Synchronization"],
        "Server": ["Bytes", "UV", "HTTP1", "Metrics", "System", "Tokens", "Synchronization"],
        "SQLiteStore": [
            "CSQLite", "Metrics", "System", "Tokens", "UV", "Crypto", "Glibc", "Synchronization",
        ],
        "Audit": ["Bytes", "System", "UV", "Tokens", "Crypto", "Synchronization"],
        "obie-tokens": [
            "Audit", "Bytes", "Metrics", "SQLiteStore", "Server", "System", "Tokens", "UV",
            "ArgumentParser",
        ],
    ]

    @Test func sourcesAreFound() {
        #expect(Set(Self.sources.map(\.module)) == Set(Self.edges.keys))
        #expect(Self.tests.count > 5)
    }

    @Test(arguments: sources)
    func moduleImportsOnlyWhatThePictureShows(file: SourceFile) {
        let extra = Set(file.imports).subtracting(Self.edges[file.module] ?? [])
        #expect(extra.isEmpty, "\(file.path) imports \(extra.sorted())")
    }

    @Test(arguments: sources)
    func unsafeStandsOnlyWhereCIs(file: SourceFile) {
        guard !["System", "UV", "SQLiteStore"].contains(file.module) else { return }
        for (index, line) in file.code.enumerated() {
            let words = line.split { !$0.isLetter && $0 != "@" && $0 != "_" }
            #expect(
                !words.contains { $0.lowercased().contains("unsafe") || $0 == "@unchecked" },
                "\(file.path):\(index + 1)")
        }
    }

    @Test(arguments: sources + tests)
    func fileHasAtMost400Lines(file: SourceFile) {
        #expect(file.lines.count <= 401, "\(file.path) has \(file.lines.count) lines")
    }

    @Test(arguments: sources)
    func fileOpensWithItsJob(file: SourceFile) {
        #expect(
            file.lines.first?.hasPrefix("// ") == true, "\(file.path) does not say what it is for")
    }

    @Test(arguments: sources + tests)
    func functionHasAtMost60Lines(file: SourceFile) {
        for function in Self.functions(file) where function.length > 60 {
            Issue.record("\(file.path):\(function.line) has \(function.length) lines")
        }
    }

    /// Functions by their indentation, which the formatter guarantees.
    private static func functions(_ file: SourceFile) -> [(line: Int, length: Int)] {
        var found: [(Int, Int)] = []
        for (index, line) in file.lines.enumerated() {
            let words = line.split(separator: " ")
            guard words.contains("func") || words.contains(where: { $0.hasPrefix("init") }),
                !line.contains("//"), !line.contains("let ")
            else { continue }
            let indent = String(line.prefix { $0 == " " })
            let end = file.lines[index...].firstIndex { $0 == indent + "}" }
            if line.hasSuffix("}") { continue }
            if let end { found.append((index + 1, end - index + 1)) }
        }
        return found
    }

    @Test(arguments: sources)
    func errorsAreNotSwallowed(file: SourceFile) {
        for (index, line) in file.code.enumerated() {
            #expect(line.firstMatch(of: /\btry[!?]/) == nil, "\(file.path):\(index + 1)")
            #expect(!line.contains("fatalError"), "\(file.path):\(index + 1)")
        }
    }

    @Test func everyRuleCanFail() {
        let long = (["func a() {"] + Array(repeating: "    b()", count: 60) + ["}"])
        let file = SourceFile(
            path: "x", module: "HTTP1", lines: ["@testable import Foundation"] + long)
        #expect(file.imports == ["Foundation"])
        #expect(Self.functions(file).map(\.length) == [62])
    }
}
