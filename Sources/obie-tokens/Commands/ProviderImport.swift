// obie-tokens psp import: a whole list of providers in one step.

import ArgumentParser
import Tokens

extension Providers {
    struct Import: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import",
            abstract: "Adds and changes providers as a list says: all of it, or nothing.",
            discussion: """
                The list has one JSON object on each line, such as

                {"reference":"PSDGB-FCA-222222","services":["accounts"]}
                {"reference":"PSDGB-FCA-333333","status":"withdrawn"}

                Its members are reference, name, status, services and redirect_uris, a list. status is \
                authorised or withdrawn; services has any of accounts, payments and fundsconfirmations. Only \
                reference must be there. A provider that is registered gets what the line says, and keeps what \
                it does not say; redirect_uris are all of its URIs: others are removed. A new one is authorised \
                for all services where nothing else is said. Providers that the list does not name stay as \
                they are: to withdraw one, the list must say so. The same list twice changes nothing the \
                second time.

                Where a line is wrong nothing changes; up to \(ImportFaults.toldMax) faults are told, with \
                their lines. A list without any line is a fault, too, unless --allow-empty says that it is \
                meant. Before the change the audit log gets a line with the counts and the file's SHA-256, \
                and one for each provider that is withdrawn by it; after it, a line that says so.

                \(ChangeOutcome.help)

                Exit status: 0; 64 for a wrong option; 65 for a list with faults; 66 if the list or the \
                registry is not there; 71 if the registry cannot be read or written; 74 if the audit log or \
                standard output takes nothing, and then the message says whether the change is made; 75 for \
                a change that is late.
                """)

        @Argument(help: "The list; - is standard input.", completion: .file())
        var file: String
        @Flag(help: "Print what would change, and change nothing.")
        var dryRun = false
        @Flag(help: "Take a list without any line, which changes nothing.")
        var allowEmpty = false
        @OptionGroup var http: PlainHTTPOption
        @OptionGroup var flags: SettingFlags<StoreSettings>
        @OptionGroup var output: OutputOption

        func run() throws {
            // A wrong option is told first.
            let settings = try flags.readForStore()
            let progress = ImportProgress()
            // Before the command acts as the store's owner, who may not read it.
            let lines = try ProviderLines(file, progress)
            try refuseNothing(lines)
            let editor = try RegistryEditor(settings, makes: !dryRun)
            try refuseFaults(lines, editor.mode)
            if dryRun { return try compare(lines, editor) }
            progress.say("checked \(lines.entries.count) lines; writing")
            let (found, outcome) = try editor.change(
                { words(of: $0, lines) }, { $0.take(lines.entries) })
            try output.report(
                "the list is imported: \(counts(found))", record(found, lines), outcome)
        }

        /// A list that came out empty by mistake looks to its maker as if it had been taken.
        private func refuseNothing(_ lines: ProviderLines) throws(ProgramFailure) {
            guard !allowEmpty, lines.entries.isEmpty, lines.faults.count == 0 else { return }
            throw ProgramFailure(
                description:
                    "\(file) names no provider; nothing was changed: if that is meant, add --allow-empty",
                status: 65)
        }

        private func refuseFaults(
            _ lines: ProviderLines, _ mode: IssuerSettings.Mode
        ) throws(ProgramFailure) {
            var faults = lines.faults
            RegistryContent.faults(
                of: lines.entries, mode: mode, allowsPlainText: http.allowsPlainText, &faults)
            guard faults.count > 0 else { return }
            for fault in faults.told.sorted(by: { $0.line < $1.line }) {
                Program.log("error: line \(fault.line): \(fault.reason)")
            }
            let more = faults.count > faults.told.count ? ", of which these are the first" : ""
            throw ProgramFailure(
                description:
                    "\(file) has \(faults.count) fault\(faults.count == 1 ? "" : "s")\(more); "
                    + "nothing was changed", status: 65)
        }

        private func compare(_ lines: ProviderLines, _ editor: RegistryEditor) throws {
            let found = try editor.read { content in
                var copy = content
                return copy.take(lines.entries)
            }
            if output.json {
                try output.print(record(found, lines, isWhole: true))
            } else {
                try output.print(lines: found.changes.map(\.line))
            }
            Program.log("nothing was changed; the list would be: \(counts(found))")
        }

        private func counts(_ outcome: ImportOutcome) -> String {
            "\(outcome.addedCount) added, \(outcome.changedCount) changed, "
                + "\(outcome.unchangedCount) unchanged"
        }

        /// For the audit log.
        private func words(of outcome: ImportOutcome, _ lines: ProviderLines) -> [ChangeLine] {
            let withdrawn = outcome.withdrawn
            let head =
                "providers imported: \(counts(outcome)), \(withdrawn.count) of them withdrawn; the list has "
                + "SHA-256 \(lines.fingerprint)"
            return [ChangeLine(head)]
                + withdrawn.map {
                    ChangeLine("provider \($0) set by the import: status withdrawn", provider: $0)
                }
        }

        private func record(
            _ outcome: ImportOutcome, _ lines: ProviderLines, isWhole: Bool = false
        ) -> Record {
            let counts = Record([
                "added": .number(outcome.addedCount), "changed": .number(outcome.changedCount),
                "unchanged": .number(outcome.unchangedCount),
                "withdrawn": .list(outcome.withdrawn), "sha256": .text(lines.fingerprint),
            ])
            guard isWhole else { return counts }
            let changes = outcome.changes.map { change in
                Record([
                    "provider": .text(change.reference),
                    "change": .text(change.isAddition ? "added" : "changed"),
                    "differences": .list(change.differences),
                ])
            }
            return counts.with("changes", .records(changes))
        }
    }
}

extension ImportOutcome.Change {
    /// For people.
    fileprivate var line: String {
        "\(isAddition ? "added  " : "changed")  \(reference)  \(differences.joined(separator: "; "))"
    }
}
