// What the commands about the registry refuse: with which exit status, and without any change.

import Foundation
import Testing

extension RegistryCommandTests {
    static let impossible: [[String]] = [
        ["fi", "show", "PSDGB-FCA-999999"], ["fi", "disable", "PSDGB-FCA-999999"],
        ["fi", "enable", "PSDGB-FCA-999999"], ["fi", "remove", "PSDGB-FCA-999999", "--yes"],
        ["fi", "remove", "PSDGB-FCA-999999"], ["fi", "rotate-secret", "PSDGB-FCA-999999"],
        ["fi", "rotate-secret", "PSDGB-FCA-100001", "--client", "nobody"],
        ["fi", "add", "PSDGB-FCA-100001"], ["fi", "add", "short"], ["fi", "add", "PSDGB FCA"],
        ["fi", "add", String(repeating: "x", count: 129)], ["fi", "add", "PSDGB-FCA-é"],
        ["fi", "add", "PSDGB-FCA-100003", "--client", "a:b"],
        ["fi", "add", "PSDGB-FCA-100003", "--client", ""],
        ["fi", "add", "PSDGB-FCA-100001", "--client", "other"],
        ["psp", "add", "PSDGB-FCA-200001"], ["psp", "add", ""], ["psp", "add", "a b"],
        ["psp", "add", "new", "--redirect-uri", "not-a-uri"],
        ["psp", "add", "new", "--redirect-uri", "https://a.example/#fragment"],
        ["psp", "add", "new", "--redirect-uri", "https://a.example", "--redirect-uri", ""],
        ["psp", "show", "PSDGB-FCA-999999"], ["psp", "disable", "PSDGB-FCA-999999"],
        ["psp", "enable", "PSDGB-FCA-999999"], ["psp", "remove", "PSDGB-FCA-999999", "--yes"],
        ["psp", "add-redirect-uri", "PSDGB-FCA-200001", "https://one.example/callback"],
        ["psp", "add-redirect-uri", "PSDGB-FCA-999999", "https://a.example"],
        ["psp", "add-redirect-uri", "PSDGB-FCA-200001", "/relative"],
        [
            "psp", "add-redirect-uri", "PSDGB-FCA-200001",
            "https://a.example/" + String(repeating: "p", count: 2031),
        ],
        ["psp", "remove-redirect-uri", "PSDGB-FCA-200001", "https://one.example/callback/"],
        ["tokens", "revoke", "--fi", "PSDGB-FCA-999999", "--yes"],
        ["tokens", "revoke", "--psp", "PSDGB-FCA-999999", "--yes"],
        ["tokens", "revoke", "--consent", "c", "--fi", "PSDGB-FCA-999999", "--yes"],
        ["tokens", "revoke", "--consent", "", "--yes"],
        ["tokens", "revoke", "--consent", String(repeating: "c", count: 129), "--yes"],
    ]

    private static let impossibleStore = Result { try RegistryCommandTests().filledStore() }

    @Test(arguments: impossible)
    func whatCannotBeDoneIsOneSentence(arguments: [String]) throws {
        let store = try Self.impossibleStore.get()
        let before = try store.registered()
        let outcome = try store.run(arguments)
        #expect(outcome.status == 65, "\(outcome.errors)")
        #expect(outcome.output.isEmpty)
        #expect(outcome.errorLines.count == 1, "\(outcome.errors)")
        #expect(outcome.errors.hasPrefix("obie-tokens: error: "))
        #expect(try store.registered() == before, "nothing has changed")
    }

    static let advice: [(arguments: [String], end: String)] = [
        (
            ["fi", "show", "PSDGB-FCA-999999"],
            "there is no institution PSDGB-FCA-999999; `obie-tokens fi list` shows those there are"
        ),
        (
            ["fi", "add", "PSDGB-FCA-100001"],
            "is there already; `obie-tokens fi show PSDGB-FCA-100001` shows it"
        ),
        (["psp", "show", "x"], "no provider x; `obie-tokens psp list` shows those there are"),
        (
            ["psp", "add", "PSDGB-FCA-200001"],
            "is there already; `obie-tokens psp show PSDGB-FCA-200001` shows it"
        ),
        (
            ["fi", "rotate-secret", "PSDGB-FCA-100001", "--client", "nobody"],
            "for PSDGB-FCA-100001; `obie-tokens fi show PSDGB-FCA-100001` shows those that do"
        ),
        (["fi", "add", "PSDGB-FCA-100003", "--client", "a:b"], "(RFC 7617), with --client"),
        (
            ["psp", "remove-redirect-uri", "PSDGB-FCA-200001", "https://x.example"],
            "byte for byte, and `obie-tokens psp show` shows them"
        ),
        (["fi", "add", "short"], "such as PSDGB-FCA-111111"),
    ]

    @Test(arguments: advice)
    func refusalNamesTheCommandThatHelps(row: (arguments: [String], end: String)) throws {
        let outcome = try Self.impossibleStore.get().run(row.arguments)
        #expect(outcome.errors.hasSuffix(row.end + "\n"), "\(outcome.errors)")
    }

    static let wrong: [[String]] = [
        ["fi", "add"], ["fi", "add", "PSDGB-FCA-100009", "extra"], ["fi", "nonsense"],
        ["fi", "list", "--nonsense"], ["fi", "show"], ["psp", "add"], ["psp", "show"],
        ["psp", "add-redirect-uri", "PSDGB-FCA-200001"], ["psp", "add", "new", "--redirect-uri"],
        ["fi", "rotate-secret", "PSDGB-FCA-100001", "--keep-old", "-1"],
        ["fi", "rotate-secret", "PSDGB-FCA-100001", "--keep-old", "x"],
        ["fi", "rotate-secret", "PSDGB-FCA-100001", "--keep-old", "31536001"],
        ["fi", "rotate-secret", "PSDGB-FCA-100001", "--keep-old", "1.5"],
        ["fi", "add", "PSDGB-FCA-100009", "--client"], ["tokens", "revoke", "--yes"],
        ["tokens", "revoke", "--fi", "PSDGB-FCA-100001", "--psp", "PSDGB-FCA-200001", "--yes"],
        ["tokens", "revoke", "--consent", "c", "--psp", "PSDGB-FCA-200001", "--yes"],
        ["tokens", "nonsense"], ["fi", "list", "--store", "memory"],
        ["fi", "list", "--store", "x"],
        // Nobody can be asked here.
        ["fi", "remove", "PSDGB-FCA-100001"], ["psp", "remove", "PSDGB-FCA-200001"],
        ["tokens", "revoke", "--fi", "PSDGB-FCA-100001"],
        ["tokens", "revoke", "--psp", "PSDGB-FCA-200001"], ["tokens", "revoke", "--consent", "c"],
    ]

    @Test(arguments: wrong)
    func wrongOptionsAreRefused(arguments: [String]) throws {
        let store = try Self.impossibleStore.get()
        let before = try store.registered()
        // An option of the row's own comes last, where it counts.
        let ended = try ChildProcess.run(
            ChildProcess.binary.path,
            arguments.contains("--store") ? arguments : arguments + store.option)
        #expect(ended.status == 64, "\(ended.errors)")
        #expect(ended.output.isEmpty)
        #expect(ended.errors.hasPrefix("Error: "), "\(ended.errors)")
        let isUnconfirmed =
            !arguments.contains("--yes") && (arguments[1] == "remove" || arguments[1] == "revoke")
        let sentence = ended.errors.prefix { $0 != "\n" }
        #expect(sentence.contains("--yes") == isUnconfirmed)
        #expect(try store.registered() == before, "nothing has changed")
    }

    @Test func registryThatIsMissingIs66ThatCannotBeUsed71AndWhatIsNone78() throws {
        let store = try ProductionStore()
        func expect(_ status: Int32, _ path: String, _ arguments: [String]) throws {
            let ended = try ChildProcess.run(
                ChildProcess.binary.path, arguments + ["--store", "sqlite:\(path)"])
            #expect(ended.status == status, "\(arguments): \(ended.errors)")
            #expect(ended.output.isEmpty)
            #expect(ended.errors.split(separator: "\n").count == 1, "\(ended.errors)")
            #expect(ended.errors.contains(path))
        }
        let missing = "\(store.folder)/missing.db"
        let reading = [
            ["fi", "list"], ["psp", "list", "--json"], ["fi", "show", "x"], ["fi", "disable", "x"],
            ["fi", "remove", "x", "--yes"], ["tokens", "revoke", "--fi", "x", "--yes"],
        ]
        for arguments in reading { try expect(66, missing, arguments) }
        #expect(try store.files().isEmpty, "a command that reads makes nothing")
        try expect(71, "\(store.folder)/no/such/folder.db", ["fi", "add", "PSDGB-FCA-100001"])
        let noise = "no database at all, but long enough to be read as one"
        try Data(noise.utf8).write(to: URL(filePath: "\(store.folder)/noise.db.registry"))
        try expect(78, "\(store.folder)/noise.db", ["fi", "add", "PSDGB-FCA-100001"])
        try expect(78, "\(store.folder)/noise.db", ["psp", "list"])
    }
}
