// The sources as the rules read them: lines, code without comments and texts, and texts alone.

import Foundation
import Testing

enum Repository {
    static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Files below a folder, from the root of the repository, in order.
    static func paths(below folder: String, ending endings: Set<String>) -> [String] {
        let names = FileManager.default.enumerator(atPath: root.appending(path: folder).path)
        var found: [String] = []
        while let name = names?.nextObject() as? String {
            let path = "\(folder)/\(name)"
            if path == "Tests/corpora" || path.hasSuffix("__pycache__") {
                names?.skipDescendants()
            } else if endings.contains(URL(filePath: path).pathExtension) {
                found.append(path)
            }
        }
        return found.sorted()
    }

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }
}

/// A file in Swift.
struct SourceFile: CustomTestStringConvertible, Sendable {
    /// From the root of the repository.
    let path: String
    let lines: [String]
    /// Without comments and without what stands in texts, but with what is put into them. Each line
    /// in its place.
    let code: [String]
    /// What stands in texts.
    let texts: String

    var testDescription: String { path }

    init(_ path: String, _ text: String) {
        self.path = path
        lines = text.components(separatedBy: "\n")
        var reader = SwiftTextReader(text)
        reader.read()
        code = String(decoding: reader.code, as: UTF8.self).components(separatedBy: "\n")
        texts = String(decoding: reader.texts, as: UTF8.self)
    }

    static func all(below folder: String) throws -> [SourceFile] {
        try Repository.paths(below: folder, ending: ["swift"]).map { path in
            SourceFile(path, try Repository.text(path))
        }
    }

    /// The folder below Sources.
    var module: String { folders.first ?? "" }

    /// The folder below the module's; empty where it lies in the module's own.
    var room: String { folders.dropFirst().first ?? "" }

    private var folders: ArraySlice<String> {
        path.split(separator: "/").map(String.init).dropFirst().dropLast()
    }

    /// How many lines it has. Behind the last line break there is one more, which is empty.
    var length: Int { lines.last == "" ? lines.count - 1 : lines.count }

    var imports: [String] {
        code.compactMap { line in
            let words = line.split(separator: " ").map(String.init)
            guard let at = words.firstIndex(of: "import"), at + 1 < words.count,
                words[..<at].allSatisfy({ $0.hasPrefix("@") || $0 == "public" })
            else { return nil }
            return words[at + 1]
        }
    }

    /// The words of the code, where each first stands.
    var words: [Substring: Int] {
        var found: [Substring: Int] = [:]
        for (index, line) in code.enumerated() {
            for word in line.utf8.split(whereSeparator: { !SourceFile.isOfWord($0) }) {
                found[Substring(word), default: index + 1] += 0
            }
        }
        return found
    }

    private static func isOfWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
            true
        default: false
        }
    }
}
