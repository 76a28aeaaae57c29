// `Tokens` speaks no HTTP and names no command line: it is told what was asked, and says what came of
// it. How that is written in a header or typed in a terminal is other modules' business.

import Testing

enum DomainWords {
    /// In comments too.
    private static var fields: Regex<Substring> {
        /\b(?i:headers?|retry-after|x-request-id|x-fapi-[a-z-]+|content-type|traceparent)\b/
    }
    /// The top of a file may say that this is what it does not know.
    private static var protocols: Regex<Substring> {
        /HTTP|\b(?:20[0-4]|30[1-8]|4(?:0\d|1[0-7]|29|31)|50[0-5])\b/
    }
    private static var commands: Regex<Substring> {
        /--[a-z]|\bobie-tokens (?:fi|psp|tokens|keys|audit|serve|backup|config|healthcheck)\b/
    }

    static func found(in file: SourceFile) -> [String] {
        let code = file.code.joined(separator: "\n") + "\n" + file.texts
        let all = file.lines.joined(separator: "\n")
        let found =
            all.matches(of: fields).map(\.output) + code.matches(of: protocols).map(\.output)
            + code.matches(of: commands).map(\.output)
        return found.map { "\(file.path): \($0)" }
    }
}

@Suite struct DomainTests {
    @Test(arguments: TidyTests.sources.filter { $0.module == "Tokens" })
    func domainSpeaksNoHTTPAndNamesNoCommand(file: SourceFile) {
        #expect(DomainWords.found(in: file) == [])
    }

    static let wrong = [
        "let status = 401", "throw A(\"503\")", "let HTTPStatus = 1", "// Of the header `version`.",
        "/// As `Retry-After` has it.", "a(\"with --client\")",
        "\"`obie-tokens fi list` shows it\"",
        "/// The request's `X-Request-Id`.", "let a = \"\"\"\n    --store\n    \"\"\"",
    ]

    @Test(arguments: wrong)
    func ruleCanFail(text: String) {
        #expect(DomainWords.found(in: SourceFile("x", text)).count == 1)
    }

    @Test func otherWordsAreFree() {
        let text = """
            // Knows neither HTTP nor where things are stored; 401 is another's word.
            let bytes = 6...128, year = 2026, days = 31_104_000_000, url = "https://a.example"
            let label = "obie-tokens sealing key", minus = a - -b
            """
        #expect(DomainWords.found(in: SourceFile("x", text)) == [])
    }
}
