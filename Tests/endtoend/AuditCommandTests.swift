// The commands about an audit log: what they print, and their exit status.

import Foundation
import Testing

@Suite struct AuditCommandTests {
    private static let id = "00000000-0000-0000-0000-00000000002a"

    /// Three lines, made by another program: logs of this version must stay readable.
    private static let log = #"""
        {"time":"2026-11-26T18:53:02.123Z","event":"code_issued","client":"api-consumer-id",\#
        "prev":"0000000000000000000000000000000000000000000000000000000000000000"}
        {"time":"2026-11-26T18:53:03.000Z","event":"refused",\#
        "errors":[{"id":"00000000-0000-0000-0000-00000000002a","code":"auth_code_invalid"}],\#
        "reason":"code_of_other_provider","client":"api-consumer-id",\#
        "prev":"7d0a92667d77a0904ffc4422c9338599a46179f73db3526e1e61c9b214688c02"}
        {"time":"2026-11-26T18:53:04.001Z","event":"events_dropped","count":7,\#
        "prev":"3f3e7d461ab24a45db3dc38ae7fa66ce9953c7c5c235e87f7951e740778904be"}

        """#
    private static let head = "5d55baf24fb3e3a284ca2c07fdc26c198a69aa8bfac9f8ffd933f37e737fb4ca"

    private func run(
        _ arguments: String...
    ) throws -> (status: Int32?, output: String, errors: String) {
        try ChildProcess.run(ChildProcess.binary.path, ["audit"] + arguments)
    }

    /// Runs the body with the log above in a file.
    private func withLog(_ body: (URL) throws -> Void) throws {
        let url = FileManager.default.temporaryDirectory.appending(
            path: "obie-audit-\(UUID().uuidString).log")
        defer {
            do {
                try FileManager.default.removeItem(at: url)
            } catch {
                Issue.record("\(error)")
            }
        }
        try Self.log.write(to: url, atomically: false, encoding: .utf8)
        try body(url)
    }

    @Test func wholeLogIsVerified() throws {
        try withLog { url in
            let verified = try run("verify", url.path)
            #expect(verified.status == 0 && verified.errors.isEmpty)
            #expect(
                verified.output == """
                    lines 3
                    first 2026-11-26T18:53:02.123Z
                    last  2026-11-26T18:53:04.001Z
                    dropped 7 events, as its lines say
                    head  \(Self.head)

                    """)
            let again = try run("verify", url.path, "--head", Self.head)
            #expect(again.status == 0 && again.output == verified.output)
        }
    }

    @Test func changedLogIsBroken() throws {
        try withLog { url in
            let text = try String(contentsOf: url, encoding: .utf8)
            try text.replacing("code_of_other_provider", with: "code_expired")
                .write(to: url, atomically: false, encoding: .utf8)
            let verified = try run("verify", url.path)
            #expect(verified.status == 1 && verified.output.isEmpty)
            #expect(verified.errors.contains("line 3 does not follow line 2"))
            #expect(verified.errors.split(separator: "\n").count == 1)
        }
    }

    @Test func cutLogIsBrokenAgainstItsHead() throws {
        try withLog { url in
            let lines = try String(contentsOf: url, encoding: .utf8).split(separator: "\n")
            try (lines.prefix(2).joined(separator: "\n") + "\n").write(
                to: url, atomically: false, encoding: .utf8)
            #expect(try run("verify", url.path).status == 0)
            let verified = try run("verify", url.path, "--head", Self.head)
            #expect(verified.status == 1 && verified.errors.contains(Self.head))
        }
    }

    @Test func errorIDIsExplained() throws {
        try withLog { url in
            let found = try run("find", Self.id.uppercased(), url.path)
            #expect(found.status == 0 && found.errors.isEmpty)
            #expect(found.output.hasPrefix("line 2, 2026-11-26T18:53:03.000Z: a request was"))
            #expect(found.output.contains("made for another provider"))
            let other = try run("find", "00000000-0000-0000-0000-00000000002b", url.path)
            #expect(other.status == 1 && other.output.isEmpty && other.errors.contains("no line"))
            for option in [
                "--error-id", "--request-id", "--interaction-id", "--consent", "--fi", "--psp",
            ] {
                let value = option == "--error-id" ? Self.id : "x"
                let outcome = try run("find", url.path, option, value)
                #expect(outcome.status == (option == "--error-id" ? 0 : 1), "\(option)")
            }
            let all = try run(
                "find", url.path, "--since", "2026-11-26", "--until", "2026-11-26T18:53:03.1")
            #expect(all.status == 0 && all.output.contains("\nline 2"))
            let lines = try run(
                "find", url.path, url.path, "--since", "2026-11-26T18:53:04", "--json")
            #expect(lines.output.split(separator: "\n").count == 2)
            #expect(lines.output.hasPrefix(#"{"time":"2026-11-26T18:53:04.001Z""#))
        }
    }

    @Test(arguments: [["verify", "/absent"], ["find", id, "/absent"], ["verify", "/"]])
    func unreadableFileHasItsStatus(arguments: [String]) throws {
        let outcome = try ChildProcess.run(ChildProcess.binary.path, ["audit"] + arguments)
        #expect(outcome.status == 66 && outcome.output.isEmpty)
        #expect(outcome.errors.contains("cannot read the audit log"))
    }

    @Test(arguments: [
        ["verify", "/absent", "--head", "abc"], ["find", "x", "/absent"], ["find"],
        ["verify", "/absent", "--head", String(repeating: "g", count: 64)], ["nonsense"],
        ["find", "/absent"], ["find", "/absent", "--error-id", "x"],
        ["find", "/absent", "--since", "yesterday"], ["find", "/absent", "--since", "2026-02-30"],
        ["find", "/absent", "--until", "2026-11-30T25"],
    ])
    func wrongOptionIsRefused(arguments: [String]) throws {
        let outcome = try ChildProcess.run(ChildProcess.binary.path, ["audit"] + arguments)
        #expect(outcome.status == 64 && outcome.output.isEmpty)
    }

    @Test(arguments: ["verify", "find"])
    func helpNamesTheExitStatus(command: String) throws {
        let help = try run(command, "--help")
        #expect(help.status == 0)
        for status in ["Exit status: 0", "1 if", "64 for", "66 if"] {
            let text = help.output.split { $0.isWhitespace }.joined(separator: " ")
            #expect(text.contains(status))
        }
    }
}
