// What a file must keep to wherever it lies: its size, how it opens, and what it never does.

import Testing

/// The rules for one file. Each gives what is wrong; nothing, where all is well.
enum FileRules {
    static let linesMax = 300
    static let functionLinesMax = 50

    static func tooLong(_ path: String, lines: Int) -> [String] {
        lines <= linesMax ? [] : ["\(path) has \(lines) lines"]
    }

    static func longFunctions(_ file: SourceFile) -> [String] {
        functions(file).filter { $0.body.count > functionLinesMax && !isTable($0.body) }
            .map { "\(file.path):\($0.line) has \($0.body.count) lines" }
    }

    /// Functions and computed properties by their indentation, which the formatter guarantees.
    private static func functions(_ file: SourceFile) -> [(line: Int, body: ArraySlice<String>)] {
        let opening =
            /^(?:@\w+(?:\([^)]*\))? |[a-z]+(?:\(set\))? )*(?:func |init[?(<]|deinit|subscript\(|subscript<|var .*\{$)/
        return file.lines.enumerated().compactMap { index, line in
            let indent = line.prefix { $0 == " " }
            guard line.dropFirst(indent.count).prefixMatch(of: opening) != nil,
                !line.hasSuffix("}")
            else { return nil }
            // A requirement has no body: what is around it ends first.
            let end = file.lines[(index + 1)...].firstIndex {
                $0.hasPrefix(indent + "}") || !$0.isEmpty && !$0.hasPrefix(indent)
            }
            guard let end, file.lines[end] == indent + "}" else { return nil }
            return (index + 1, file.lines[index...end])
        }
    }

    /// A choice between texts, and nothing else: one row more makes it no harder to read.
    private static func isTable(_ body: ArraySlice<String>) -> Bool {
        body.dropFirst().allSatisfy { line in
            line.wholeMatch(of: /\s*(?:\}|switch \w+ \{|case [^:]*:(?: ".*")?|(?:\+ )?".*")/) != nil
        }
    }

    static func swallowedErrors(_ file: SourceFile) -> [String] {
        file.code.enumerated().filter { _, line in
            line.firstMatch(of: /\btry[!?]/) != nil || line.contains("fatalError")
        }.map { "\(file.path):\($0.offset + 1)" }
    }

    static func missingJob(_ file: SourceFile) -> [String] {
        file.lines[0].hasPrefix("// ") ? [] : ["\(file.path) does not say what it is for"]
    }
}

@Suite struct TidyTests {
    static let sources = (try? SourceFile.all(below: "Sources")) ?? []
    static let tests = (try? SourceFile.all(below: "Tests")) ?? []
    /// Scripts and C.
    static let others = ["Sources", "Tests", "Benchmarks", "Scripts", "Deploy", "CLibUV"].flatMap {
        Repository.paths(below: $0, ending: ["py", "sh", "c", "h", "lua"])
    }

    @Test func filesAreFound() {
        #expect(Self.sources.count > 150)
        #expect(Self.tests.count > 80)
        #expect(Self.others.count > 20)
    }

    @Test(arguments: sources + tests)
    func fileIsShort(file: SourceFile) {
        #expect(FileRules.tooLong(file.path, lines: file.length) == [])
    }

    @Test(arguments: others)
    func scriptIsShort(path: String) throws {
        let text = try Repository.text(path)
        #expect(FileRules.tooLong(path, lines: SourceFile(path, text).length) == [])
    }

    @Test func medianFileHasAtMost100Lines() {
        let lengths = (Self.sources + Self.tests).map(\.length).sorted()
        #expect(lengths[lengths.count / 2] <= 100)
    }

    @Test(arguments: sources + tests)
    func functionIsShort(file: SourceFile) {
        #expect(FileRules.longFunctions(file) == [])
    }

    @Test(arguments: sources + tests)
    func fileOpensWithItsJob(file: SourceFile) {
        #expect(FileRules.missingJob(file) == [])
    }

    @Test(arguments: sources)
    func errorsAreNotSwallowed(file: SourceFile) {
        #expect(FileRules.swallowedErrors(file) == [])
    }

    static let functions = [
        "func a() {", "public static func a<T>(\n    _ b: T\n) {", "@discardableResult func a() {",
        "private init?(_ b: Int) {", "deinit {", "var a: Int {", "private(set) var a: Int {",
        "subscript(_ b: Int) -> Int {",
    ]

    @Test(arguments: functions)
    func longFunctionIsFound(opening: String) {
        for (count, isFound) in [(48, false), (60, true)] {
            let body = Array(repeating: "    b()", count: count - opening.count { $0 == "\n" })
            let file = SourceFile("x", ([opening] + body + ["}"]).joined(separator: "\n"))
            #expect(FileRules.longFunctions(file).isEmpty != isFound)
        }
    }

    @Test func tableOfTextsMayBeLong() {
        let rows = (0..<60).map { "    case .a\($0):\n        \"b\"" }
        func file(_ more: String) -> SourceFile {
            let lines = ["var a: String {", "    switch self {"] + rows + [more, "    }", "}"]
            return SourceFile("x", lines.joined(separator: "\n"))
        }
        #expect(FileRules.longFunctions(file("    case .b: \"c\"")) == [])
        #expect(FileRules.longFunctions(file("    case .b: c()")) == ["x:1 has 125 lines"])
    }

    @Test func everyRuleCanFail() {
        let file = SourceFile("x", "import A\nlet b = try? c()\n// fatalError\nlet d = \"try? \"\n")
        #expect(FileRules.missingJob(file) == ["x does not say what it is for"])
        #expect(FileRules.swallowedErrors(file) == ["x:2"])
        #expect(file.length == 4)
        #expect(FileRules.tooLong("x", lines: 300) == [])
        #expect(FileRules.tooLong("x", lines: 301) == ["x has 301 lines"])
    }

    @Test func codeAndTextsAreToldApart() {
        let file = SourceFile(
            "x",
            ##"""
            A("B \(C("D")) \" E") // F
            let G = #"H \(I) \#(J) "K""# + L
            let M = """
                N \(O)
                """
            P(Q)
            """##)
        #expect(file.lines.count == file.code.count)
        let code = file.code.joined(separator: " ")
        for letter in "ACGJLMOPQ" { #expect(code.contains(letter), "\(letter)") }
        for letter in "BDEFHIKN" { #expect(!code.contains(letter), "\(letter)") }
        for letter in "BDEHIKN" { #expect(file.texts.contains(letter), "\(letter)") }
        #expect(file.words["O"] == 4)
    }
}
