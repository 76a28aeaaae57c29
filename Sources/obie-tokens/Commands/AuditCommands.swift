// Commands about an audit log: is it still as it was written, and what does an error id mean?

import ArgumentParser
import Audit
import Bytes

struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Checks and searches an audit log.",
        subcommands: [Verify.self, Find.self])

    private static func unreadable(_ failure: AuditFailure) -> ProgramFailure {
        ProgramFailure(description: "cannot read the audit log: \(failure)", status: 66)
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Says whether any line of a log was changed, removed, inserted or moved.",
            discussion: """
                Each line holds the SHA-256 of the line before it, so a change shows at the next \
                line. Three changes show only against an older hash: lines cut off the end, a \
                changed last line, and a log that was written anew. So keep the hash that this \
                command prints on another machine, and give it with --head the next time.

                The command counts the lines that say that events were dropped, or that the end of \
                the file was repaired after a crash. Such lines are not a fault. A server may write \
                to the log at the same time.

                Exit status: 0 if the log is whole; 1 if it is broken (stderr then has the first \
                line that does not fit, and why); 64 for a wrong option; 66 if the file cannot be \
                read.
                """)

        @Argument(help: "The audit log.")
        var file: String

        @Option(
            help: ArgumentHelp(
                "The hash of a line that must be there, as an earlier verification printed it as "
                    + "head. (default: none)", valueName: "hash"),
            transform: Verify.hash)
        var head: String?

        private static func hash(_ text: String) throws -> String {
            let text = text.lowercased()
            guard text.utf8.count == 64,
                text.utf8.allSatisfy({ Hexadecimal.lowercaseValue($0) != nil })
            else {
                throw ValidationError(
                    "'\(text)' is not a hash; write the 64 hexadecimal digits that audit verify "
                        + "printed as head")
            }
            return text
        }

        func run() throws {
            let verdict: AuditVerdict
            do throws(AuditFailure) {
                verdict = try AuditVerifier.verify(file, head: head)
            } catch {
                throw AuditCommand.unreadable(error)
            }
            switch verdict {
            case .whole(let summary):
                print(Verify.text(summary))
            case .broken(_, let reason):
                Program.log("\(file) is broken: \(reason)")
                throw ExitCode(1)
            }
        }

        private static func text(_ summary: AuditSummary) -> String {
            var text = "lines \(summary.lines)"
            if let first = summary.firstTime, let last = summary.lastTime {
                text += "\nfirst \(first)\nlast  \(last)"
            }
            if summary.droppedEvents > 0 {
                text += "\ndropped \(summary.droppedEvents) events, as its lines say"
            }
            if summary.repairs > 0 {
                text += "\nrepaired \(summary.repairs) times after a crash, as its lines say"
            }
            return text + "\nhead  \(summary.head)"
        }
    }

    struct Find: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Explains an error id that a caller reports.",
            discussion: """
                Prints what happened, when, and for which client, institution, provider and \
                consent. It also prints the precise reason, which the answer may not have told. \
                Texts that clients chose are printed escaped, as they are in the log.

                Exit status: 0 if a line was found; 1 if none was; 64 for a wrong option; 66 if the \
                file cannot be read.
                """)

        @Argument(
            help: "The id of an error object, such as 807e3db5-deb1-e0ec-2806-3f1c05160c04.")
        var id: String

        @Argument(help: "The audit log.")
        var file: String

        func validate() throws {
            guard AuditSearch.isErrorID(id) else {
                throw ValidationError(
                    "'\(id)' is not an error id; write the id of an error object, such as "
                        + "807e3db5-deb1-e0ec-2806-3f1c05160c04")
            }
        }

        func run() throws {
            let matches: [AuditMatch]
            do throws(AuditFailure) {
                matches = try AuditSearch.find(id, in: file)
            } catch {
                throw AuditCommand.unreadable(error)
            }
            guard !matches.isEmpty else {
                Program.log("no line of \(file) has the error id \(id)")
                throw ExitCode(1)
            }
            for match in matches { print(match.explanation) }
        }
    }
}
