// obie-tokens audit find: from what a caller or an operator knows to the lines of the log.

import ArgumentParser
import Audit

extension AuditCommand {
    struct Find: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Finds lines of an audit log, and explains them.",
            discussion: """
                Prints what happened, when, and for which client, institution, provider and \
                consent. It also prints the precise reason, which the answer may not have told. \
                Texts that clients chose are printed escaped, as they are in the log.

                Changes that commands made are found by the names of those whom they are about.

                Give the id of an error object first, or say with options what to look for; a line \
                must fit all of them. Give the files of a log that is rotated oldest first, and of one \
                that is compressed <(zcat FILE); without a file the log of the settings is read.

                Exit status: 0 if a line was found; 1 if none was; 64 for a wrong option; 66 if a \
                file cannot be read, or is no audit log.
                """)

        @Argument(
            help: ArgumentHelp(
                "The id of an error object, such as 807e3db5-deb1-e0ec-2806-3f1c05160c04, where "
                    + "that is looked for; then the files of the audit log.",
                valueName: "error-id-or-file"), completion: .file())
        var words: [String] = []

        @Option(help: "The id of an error object.")
        var errorID: String?
        @Option(help: "The X-Request-Id of an answer.")
        var requestID: String?
        @Option(help: "The x-fapi-interaction-id of a request.")
        var interactionID: String?
        @Option(help: "What happened under this consent.")
        var consent: String?
        @Option(help: "What happened for this institution, by reference.")
        var fi: String?
        @Option(help: "What happened for this provider, by reference.")
        var psp: String?
        @Option(help: "What this client did, or was done for it, by id.")
        var client: String?
        @Option(
            help:
                "Not earlier than this time in UTC: 2026-11-28, 2026-11-28T10, 2026-11-28T10:15:00.",
            transform: Find.time)
        var since: String?
        @Option(help: "Earlier than this time.", transform: Find.time)
        var until: String?
        @Flag(help: "Print the lines as they are, as JSON.")
        var json = false
        @OptionGroup var flags: SettingFlags<StoreSettings>

        private static func time(_ text: String) throws -> String {
            guard let time = AuditQuery.time(text) else {
                throw ValidationError(
                    "'\(text)' is not a time; write a date, and a time behind it, such as "
                        + "2026-11-28T10:15:00")
            }
            return time
        }

        /// The first word, where it is an error id.
        private var firstID: String? {
            guard errorID == nil, let first = words.first, AuditQuery.isErrorID(first) else {
                return nil
            }
            return first
        }

        private var files: [String] { Array(words.dropFirst(firstID == nil ? 0 : 1)) }

        private var query: AuditQuery {
            var query = AuditQuery()
            query.errorID = errorID ?? firstID
            query.requestID = requestID
            query.interactionID = interactionID
            query.consentID = consent
            query.institution = fi
            query.provider = psp
            query.client = client
            query.since = since
            query.until = until
            return query
        }

        func validate() throws {
            if let errorID, !AuditQuery.isErrorID(errorID) {
                throw ValidationError(
                    "'\(errorID)' is not an error id; write the id of an error object, such as "
                        + "807e3db5-deb1-e0ec-2806-3f1c05160c04")
            }
            guard !query.isEmpty else {
                throw ValidationError(
                    "say what to look for: the id of an error object, such as "
                        + "807e3db5-deb1-e0ec-2806-3f1c05160c04, or an option")
            }
        }

        func run() throws {
            let files = try flags.auditFiles(self.files)
            var count = 0
            do throws(AuditFailure) {
                try AuditSearch.find(query, in: files) { match in
                    count += 1
                    print(json ? match.line : match.explanation)
                }
            } catch {
                throw AuditCommand.unreadable(error)
            }
            guard count > 0 else {
                Program.log("no line of \(files.joined(separator: ", ")) fits")
                throw ExitCode(1)
            }
        }
    }
}
