// Nothing changes before the secret has been printed, and before the line is in the audit log: every
// command that makes a secret × every output that takes nothing, and every change × an audit log that
// takes nothing.

import Foundation
import Testing

@Suite struct SecretDeliveryTests {
    /// Where a shell sends standard output.
    enum Sink: String, CaseIterable, Sendable {
        case full = "> /dev/full"
        case closed = ">&-"
        /// Whoever reads has gone; `$?` is the command's.
        case brokenPipe = "pipe"

        func run(_ arguments: [String]) throws -> (status: Int32?, errors: String) {
            let quoted = arguments.map { "'\($0)'" }.joined(separator: " ")
            let line =
                self == .brokenPipe
                ? "{ sleep 0.2; \(quoted); echo \"status $?\" >&2; } | true"
                : "\(quoted) \(rawValue)"
            let ended = try ChildProcess.run("/bin/bash", ["-c", line])
            guard self == .brokenPipe else { return (ended.status, ended.errors) }
            let status = ended.errors.firstMatch(of: /status (\d+)/).flatMap { Int32($0.1) }
            return (status, ended.errors)
        }
    }

    static let makers = ChangingCommand.allCases.filter(\.makesSecret)

    @Test(arguments: makers, Sink.allCases)
    func nothingChangesWhereTheSecretCannotBePrinted(
        command: ChangingCommand, sink: Sink
    ) throws {
        let store = try ChangingCommand.store()
        let before = try store.registered()
        for json in [[], ["--json"]] {
            let ended = try sink.run(
                [ChildProcess.binary.path] + command.arguments + store.option + json)
            #expect(ended.status == 74, "\(ended.errors)")
            #expect(ended.errors.contains("nothing was changed"), "\(ended.errors)")
            #expect(try store.registered() == before, "it has changed all the same")
        }
        // The secret is nowhere: not even in a file that has taken the place of standard output.
        for (name, content) in try store.files() {
            let text = String(decoding: content, as: UTF8.self)
            #expect(!text.contains("client_secret") && !text.contains("client secret"), "\(name)")
        }
        #expect(try store.run(command.arguments).status == 0, "and it can be done afterwards")
    }

    @Test(arguments: ChangingCommand.allCases)
    func nothingChangesWhereTheAuditLogTakesNothing(command: ChangingCommand) throws {
        let store = try ChangingCommand.store()
        let before = try store.registered()
        for log in ["/dev/full", "\(store.folder)", "\(store.folder)/no/such/log"] {
            let ended = try store.run(command.arguments + ["--audit-log", log])
            #expect(ended.status == 74, "\(log): \(ended.errors)")
            #expect(ended.errors.contains("nothing was changed"), "\(ended.errors)")
            #expect(try store.registered() == before, "\(log): it has changed all the same")
        }
        #expect(try store.run(command.arguments).status == 0)
    }

    /// Whoever reads JSON cannot take what was printed before a failure for whole.
    @Test func objectIsClosedOnlyWhenTheChangeIsMade() throws {
        let store = try ChangingCommand.store()
        let arguments = ChangingCommand.rotateSecret.arguments + ["--json"]
        let failed = try store.run(arguments + ["--audit-log", store.folder])
        #expect(failed.status == 74)
        #expect(failed.output.hasPrefix("{") && !failed.output.contains("}"))
        let done = try store.run(arguments)
        #expect(try done.json()["client_secret"] as? String != nil)
    }
}
