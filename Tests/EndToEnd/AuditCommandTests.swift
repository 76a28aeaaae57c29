// The commands about an audit log: what they print, and their exit status.

import Audit
import Foundation
import Testing
import Tokens

@Suite struct AuditCommandTests {
    private static let id = "00000000-0000-0000-0000-00000000002a"

    private func run(
        _ arguments: String...
    ) throws -> (status: Int32?, output: String, errors: String) {
        try ChildProcess.run(ChildProcess.binary.path, ["audit"] + arguments)
    }

    /// Runs the body with a log of three lines, the second with an error id.
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
        var refused = AuditEvent(.refused, at: 1_795_719_182_123)
        let id = SealedIdentifier(token: Array(Self.id.utf8).span)
        refused.errors = [(try #require(id), "auth_code_invalid")]
        refused.reason = AuditReason.codeOfOtherProvider.rawValue
        let events = [AuditEvent(.codeIssued, at: 0), refused, AuditEvent(.tokenIssued, at: 1)]
        for event in events { try AuditLog.append(event, to: url.path) { _ in } }
        try body(url)
    }

    private func head(_ output: String) throws -> String {
        let line = try #require(output.split(separator: "\n").last { $0.hasPrefix("head") })
        return String(try #require(line.split(separator: " ").last))
    }

    @Test func wholeLogIsVerified() throws {
        try withLog { url in
            let verified = try run("verify", url.path)
            #expect(verified.status == 0 && verified.errors.isEmpty)
            #expect(
                verified.output.hasPrefix(
                    """
                    lines 3
                    first 1970-01-01T00:00:00.000Z
                    last  1970-01-01T00:00:00.001Z
                    head  \(try head(verified.output))

                    """))
            let again = try run("verify", url.path, "--head", try head(verified.output))
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
            let noted = try head(try run("verify", url.path).output)
            let lines = try String(contentsOf: url, encoding: .utf8).split(separator: "\n")
            try (lines.prefix(2).joined(separator: "\n") + "\n").write(
                to: url, atomically: false, encoding: .utf8)
            #expect(try run("verify", url.path).status == 0)
            let verified = try run("verify", url.path, "--head", noted)
            #expect(verified.status == 1 && verified.errors.contains(noted))
        }
    }

    @Test func errorIDIsExplained() throws {
        try withLog { url in
            let found = try run("find", Self.id.uppercased(), url.path)
            #expect(found.status == 0 && found.errors.isEmpty)
            #expect(found.output.hasPrefix("line 2, 2026-11-26T18:53:02.123Z: a request was"))
            #expect(found.output.contains("made for another provider"))
            let other = try run("find", "00000000-0000-0000-0000-00000000002b", url.path)
            #expect(other.status == 1 && other.output.isEmpty && other.errors.contains("no line"))
        }
    }

    @Test(arguments: [["verify", "/absent"], ["find", id, "/absent"], ["verify", "/"]])
    func unreadableFileHasItsStatus(arguments: [String]) throws {
        let outcome = try ChildProcess.run(ChildProcess.binary.path, ["audit"] + arguments)
        #expect(outcome.status == 66 && outcome.output.isEmpty)
        #expect(outcome.errors.contains("cannot read the audit log"))
    }

    @Test(arguments: [
        ["verify"], ["verify", "/absent", "--head", "abc"], ["find", id], ["find", "x", "/absent"],
        ["verify", "/absent", "--head", String(repeating: "g", count: 64)], ["nonsense"],
    ])
    func wrongOptionIsRefused(arguments: [String]) throws {
        let outcome = try ChildProcess.run(ChildProcess.binary.path, ["audit"] + arguments)
        #expect(outcome.status == 64 && outcome.output.isEmpty)
    }

    @Test(arguments: ["verify", "find"])
    func helpNamesTheExitStatus(command: String) throws {
        let help = try run(command, "--help")
        #expect(help.status == 0)
        for status in ["Exit status: 0", "1 where", "64 for", "66 where"] {
            let text = help.output.split { $0.isWhitespace }.joined(separator: " ")
            #expect(text.contains(status))
        }
    }
}
