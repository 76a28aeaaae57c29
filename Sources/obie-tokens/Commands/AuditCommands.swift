// Commands about an audit log: is it still as it was written, and what does an error id mean?

import ArgumentParser
import Audit
import Bytes

struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Checks and searches an audit log.",
        discussion: """
            Name the files of the log; or none, and the settings say which it is, as they do for the \
            server: those of --config, or of the service that is installed here.
            """,
        subcommands: [Verify.self, Find.self])

    static func unreadable(_ failure: AuditFailure) -> ProgramFailure {
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

                Give the files of a log that is rotated oldest first: the first line of each holds \
                the hash of the last line of the one before. Where the oldest is not given, the \
                line "after" has the hash that must be its last. In the place of a file that is compressed \
                give <(zcat FILE), in bash or zsh.

                The command counts the lines that say that events were dropped, or that the end of \
                the file was repaired after a crash, and the starts of a server that had not ended \
                in order. Such lines are not a fault. A server may write to the log at the same time.

                Exit status: 0 if the log is whole; 1 if it is broken (stderr then has the first \
                line that does not fit, and why); 64 for a wrong option; 66 if a file cannot be \
                read.
                """)

        @Argument(
            help: ArgumentHelp(
                "The files of the audit log, the oldest first. (default: the one of the settings)",
                valueName: "file"), completion: .file())
        var files: [String] = []

        @Option(
            help: ArgumentHelp(
                "The hash of a line that must be there, as an earlier verification printed it as "
                    + "head. (default: none)", valueName: "hash"),
            transform: Verify.hash)
        var head: String?

        @OptionGroup var flags: SettingFlags<StoreSettings>

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
            let files = try flags.auditFiles(self.files)
            let verdict: AuditVerdict
            do throws(AuditFailure) {
                verdict = try AuditVerifier.verify(files, head: head)
            } catch {
                throw AuditCommand.unreadable(error)
            }
            switch verdict {
            case .whole(let summary):
                print(Verify.text(summary))
            case .broken(_, let reason, let file):
                Program.log("\(file) is broken: \(reason)")
                throw ExitCode(1)
            }
        }

        private static func text(_ summary: AuditSummary) -> String {
            var text = "lines \(summary.lines)"
            if let first = summary.firstTime, let last = summary.lastTime {
                text += "\nfirst \(first)\nlast  \(last)"
            }
            if let hash = summary.goesOnFrom { text += "\nafter \(hash)" }
            if summary.droppedEvents > 0 {
                text += "\ndropped \(summary.droppedEvents) events, as its lines say"
            }
            if summary.repairs > 0 {
                text += "\nrepaired \(summary.repairs) times after a crash, as its lines say"
            }
            if summary.starts > 0 { text += "\nstarts \(summary.starts)" }
            for time in summary.crashes {
                text += "\ncrashed before \(time): a server started, and none had stopped"
            }
            if let time = summary.openStart {
                text += "\nnot stopped since \(time): the server runs, or has crashed"
            }
            return text + "\nhead  \(summary.head)"
        }
    }
}
