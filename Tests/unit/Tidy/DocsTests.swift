// The pages: README.md stays short, and nothing in a page leads nowhere.

import Foundation
import Testing

private let root = Repository.root

/// A file of the repository with words for people in it.
struct Page: CustomTestStringConvertible, Sendable {
    /// From the root of the repository.
    let path: String
    let text: String
    var testDescription: String { path }

    /// - Parameter path: from the root of the repository.
    static func read(_ path: String) throws -> Page {
        Page(
            path: path,
            text: try String(contentsOf: root.appending(path: path), encoding: .utf8))
    }

    /// - Parameter folder: a file or a folder, with all that is below it.
    static func paths(in folder: String) -> [String] {
        let names = FileManager.default.enumerator(atPath: root.appending(path: folder).path)?
            .compactMap { $0 as? String }
        guard let names else { return [folder] }
        return names.map { "\(folder)/\($0)" }.sorted()
    }

    private static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appending(path: path).path)
    }

    /// Where a relative link leads, from the root of the repository.
    private func resolved(_ link: String) -> String {
        var parts = path.split(separator: "/").dropLast().map(String.init)
        for part in link.split(separator: "/") {
            if part == ".." {
                _ = parts.popLast()
            } else if part != "." {
                parts.append(String(part))
            }
        }
        return parts.joined(separator: "/")
    }

    /// The anchors of the headings, as GitHub makes them.
    private var anchors: Set<String> {
        Set(
            text.split(separator: "\n").filter { $0.hasPrefix("#") }.map { line in
                String(
                    line.drop { $0 == "#" }.dropFirst().lowercased().replacing(" ", with: "-")
                        .filter { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" })
            })
    }

    /// Relative links to files or headings that are not there.
    func brokenLinks() throws -> [String] {
        try text.matches(of: /\]\(([^)\s]+)\)/).map { String($0.1) }.filter { link in
            guard !link.contains("://") else { return false }
            let halves = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
            let target = halves[0].isEmpty ? self : nil
            let path = resolved(String(halves[0]))
            guard target != nil || Page.exists(path) else { return true }
            guard halves.count == 2 else { return false }
            return try !(target ?? Page.read(path)).anchors.contains(String(halves[1]))
        }
    }

    /// Paths of this repository, in running text or code, that are not there.
    var missingPaths: [String] {
        let folders = /(?:^|[^\w\/.\-])((?:Sources|Tests|Scripts|Deploy|docs)\/[\w.\/\-]+)/
        return text.matches(of: folders.anchorsMatchLineEndings()).map { match in
            var path = match.1
            while path.hasSuffix(".") || path.hasSuffix("/") { path.removeLast() }
            return String(path)
        }.filter { !Page.exists($0) }
    }

    /// `make` targets, as code, that Makefile does not have.
    func missingTargets(in makefile: String) -> [String] {
        text.matches(of: /`(?:sudo )?make ([a-z][a-z\-]*)/).map { String($0.1) }.filter { name in
            !makefile.contains("\n\(name):")
        }
    }
}

@Suite struct DocsTests {
    static let pages =
        ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]
        + Page.paths(in: "docs").filter { $0.hasSuffix(".md") }
    /// What else tells people where to look.
    static let mentions =
        ["Makefile", "Dockerfile", "Package.swift"]
        + ["Sources", "Scripts", "Deploy"].flatMap(Page.paths(in:)).filter { path in
            !["", "json", "profdata"].contains(URL(filePath: path).pathExtension)
        }

    @Test func readmeHasAtMost150Lines() throws {
        let lines = try Page.read("README.md").text.split(
            separator: "\n", omittingEmptySubsequences: false)
        // Behind the last line break there is one more, which is empty.
        #expect(lines.count <= 151)
    }

    @Test func everyTopicIsInTheIndexOfDecisions() throws {
        let index = try Page.read("docs/decisions/README.md").text
        for path in Page.paths(in: "docs/decisions") where !path.hasSuffix("README.md") {
            #expect(index.contains("](\(path.split(separator: "/")[2]))"), "\(path)")
        }
    }

    @Test(arguments: pages)
    func linksLeadSomewhere(path: String) throws {
        #expect(try Page.read(path).brokenLinks() == [])
    }

    @Test(arguments: pages + mentions)
    func pathsAndTargetsExist(path: String) throws {
        let page = try Page.read(path)
        #expect(page.missingPaths == [])
        #expect(page.missingTargets(in: try Page.read("Makefile").text) == [])
    }

    @Test func everyRuleCanFail() throws {
        #expect(Self.pages.count > 10)
        #expect(Self.mentions.count > 50)
        let page = Page(
            path: "docs/decisions/x.md",
            text: """
                # A heading, with words
                [a](http.md) [b](../x.md) [c](#a-heading-with-words) [d](#elsewhere) [e](http.md#nowhere) [f](http.md#http)
                Sources/HTTP1, Sources/X/Y.swift and (Tests/unit/X). `make test`, `make nothing`
                """)
        #expect(try page.brokenLinks() == ["../x.md", "#elsewhere", "http.md#nowhere"])
        #expect(page.missingPaths == ["Sources/X/Y.swift", "Tests/unit/X"])
        #expect(page.missingTargets(in: try Page.read("Makefile").text) == ["nothing"])
    }
}
