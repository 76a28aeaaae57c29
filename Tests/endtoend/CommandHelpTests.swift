// A wrong value sends people to the help of the command that they have typed, whoever finds the mistake:
// the parser, the table of settings, or the command itself.

import Foundation
import Testing

@Suite struct CommandHelpTests {
    private func run(_ arguments: [String]) throws -> Outcome {
        let ended = try ChildProcess.run(ChildProcess.binary.path, arguments)
        return Outcome(
            arguments: arguments, status: ended.status, output: ended.output, errors: ended.errors)
    }

    /// A value that no setting and no other option of this name takes; nil: it takes any.
    private static let wrong = [
        "mode": "prod", "listen": "8080", "admin-listen": ":9090", "public-url": "x",
        "store": "sqlte:x", "store-password-file": "", "store-timeout": "0", "keys-file": "",
        "audit-log": "", "audit": "stric", "code-lifetime": "1.5", "access-token-lifetime": "nver",
        "require-standby": "maybe", "throttle": "maybe", "loops": "0", "max-connections": "0",
        "head-timeout": "x", "idle-timeout": "0s", "drain-delay": "-1", "drain-timeout": "x",
        "log-level": "warn", "log-format": "jsn", "access-log": "maybe", "config": "",
        "timeout": "x", "url": "x", "keep-old": "x", "since": "x", "until": "x", "head": "x",
        "error-id": "x", "tls-certificate": "", "tls-key": "", "tls-client-ca": "credential:",
        "tls-client-auth": "on", "tls-client-crl": "", "tls-min-version": "1.1",
        "admin-tls-certificate": "", "admin-tls-key": "", "admin-tls-client-ca": "",
        "admin-tls-client-auth": "yes", "days": "0",
    ]

    @Test(arguments: Command.all)
    func wrongValuePointsToTheHelpOfItsCommand(command: Command) throws {
        var tried = 0
        for (option, value) in Self.wrong where command.options.contains(option) {
            let outcome = try run(command.words + command.needed + ["--\(option)", value])
            #expect(outcome.status == 64, "--\(option): \(outcome.errors)")
            #expect(outcome.errors.contains(command.help), "--\(option): \(outcome.errors)")
            let usage = "Usage: obie-tokens \(command.testDescription)"
            #expect(outcome.errors.contains(usage), "--\(option): \(outcome.errors)")
            #expect(outcome.output.isEmpty)
            tried += 1
        }
        let unknown = try run(command.words + command.needed + ["--nonsense"])
        #expect(unknown.status == 64)
        #expect(unknown.errors.contains(command.help), "\(unknown.errors)")
        #expect(tried > 0 || !command.options.contains("store"))
    }

    /// In a real bash: what Tab offers behind a flag.
    @Test(arguments: [
        ("--mode", "p", "production"), ("--tls-client-auth", "", "off optional required"),
        ("--tls-min-version", "", "1.2 1.3"), ("--access-token-lifetime", "", "never"),
        ("--store", "", "memory"),
    ])
    func bashCompletesValues(flag: String, begun: String, offered: String) throws {
        let script = """
            . <("$0" --generate-completion-script bash)
            COMP_WORDS=(obie-tokens serve "$1" "$2") COMP_CWORD=3
            COMP_LINE="${COMP_WORDS[*]}" COMP_POINT=${#COMP_LINE}
            _obie-tokens obie-tokens "$2" "$1"; echo "${COMPREPLY[@]}"
            """
        let ended = try ChildProcess.run(
            "/bin/bash", ["-c", script, ChildProcess.binary.path, flag, begun])
        #expect(ended.output == offered + "\n", "\(ended.errors)")
    }

    @Test func allCommandsAreWalked() {
        let names = Set(Command.all.map(\.testDescription))
        #expect(names.count > 25)
        #expect(
            names.isSuperset(of: ["serve", "fi add", "keys retire", "config show", "audit find"]))
    }

    /// Each status that a report can end with is in its help, and so in its man page.
    @Test(arguments: ["kpi", "incidents"])
    func reportsTellTheirStatuses(report: String) throws {
        let help = try run(["report", report, "--help"]).output
        let start = try #require(help.range(of: "Exit status: 0;"))
        let words = help[start.upperBound...].split { !$0.isNumber }
        for status in ["64", "66", "71", "74", "78"] { #expect(words.contains(Substring(status))) }
        #expect(!help.contains("memory") && !help.contains("--audit-log"), "no use to a report")
        let path = NSTemporaryDirectory() + "junk-\(UUID().uuidString).db"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try "no database, and longer than a header of SQLite, so that nobody takes it for one"
            .write(toFile: path, atomically: true, encoding: .utf8)
        let days = ["--from", "2026-11-01", "--to", "2026-11-02"]
        let other = try run(["report", report, "--store", "sqlite:\(path)"] + days)
        #expect(other.status == 78, "\(other.errors)")
    }

    /// What two options say together is the command's own business to refuse.
    @Test func contradictionPointsToTheHelpOfItsCommand() throws {
        for (words, wrong) in [
            (["config", "show"], ["--loops", "4", "--max-connections", "3"]),
            (["config", "show"], ["--store", "memory", "--require-standby"]),
            (["fi", "list"], ["--store", "memory"]),
            (["tokens", "revoke"], ["--fi", "a", "--psp", "b"]),
            (["audit", "verify"], ["a.audit", "--audit-log", "b.audit"]),
            (["store", "copy"], ["--from", "sqlite:a", "--to", "sqlite:b"]),
        ] {
            let outcome = try run(words + wrong)
            #expect(outcome.status == 64, "\(outcome.errors)")
            let help = "See 'obie-tokens \(words.joined(separator: " ")) --help'"
            #expect(outcome.errors.contains(help), "\(outcome.errors)")
        }
    }
}
